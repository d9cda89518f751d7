/*
 * memory.c - the list of blocks. Blocks leave it when they are freed: this file wraps free
 * (-Wl,--wrap). And every block of a prover starts as zeros, so that a damaged proof reads the same
 * in every process.
 */
#include "memory.h"

#include "workload.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    struct memory memory;
    memory_event event;
    void *self;
    bool on;
} watched;

void *__wrap_workload_alloc(size_t bytes);
void __real_free(void *p);
void __wrap_free(void *p);

static void gone(const void *start)
{
    struct memory *memory = &watched.memory;

    for (size_t i = memory->count; i-- > 0;) {
        if (memory->blocks[i].start != start)
            continue;
        memory->blocks[i] = memory->blocks[--memory->count];
        return;
    }
}

static void block(enum watch_kind kind, void *start, size_t bytes)
{
    struct memory *memory = &watched.memory;

    gone(start);
    if (memory->count == MEMORY_BLOCKS_MOST) {
        fprintf(stderr, "soundness: more than %d blocks alive: want MEMORY_BLOCKS_MOST raised\n",
                MEMORY_BLOCKS_MOST);
        exit(3);
    }
    memory->blocks[memory->count++] = (struct memory_block){kind, start, bytes};
}

static void moment(enum watch_moment which, void *context)
{
    if (watched.event == NULL)
        return;
    watched.memory.event++;
    watched.event(watched.self, &watched.memory, which, context);
}

static const struct watcher watcher = {.block = block, .gone = gone, .moment = moment};

void *__wrap_workload_alloc(size_t bytes)
{
    return workload_zeroed(bytes);
}

void __wrap_free(void *p)
{
    if (watched.on && p != NULL)
        gone(p);
    __real_free(p);
}

void memory_start(void)
{
    watched.on = true;
    watch_set(&watcher);
}

void memory_keep(struct memory *kept)
{
    *kept = watched.memory;
    watched.memory.count = 0;
}

void memory_restore(const struct memory *kept)
{
    watched.memory = *kept;
}

void memory_observe(memory_event event, void *self)
{
    watched.event = event;
    watched.self = self;
    watched.memory.event = 0;
}

bool memory_alive(const struct memory *memory, const struct memory_block *wanted)
{
    for (size_t i = 0; i < memory->count; i++)
        if (memory->blocks[i].start == wanted->start && memory->blocks[i].bytes == wanted->bytes)
            return true;
    return false;
}

const char *memory_kind_name(enum watch_kind kind)
{
    static const char *const names[WATCH_KINDS] = {
        [WATCH_CLAIM] = "claim",           [WATCH_WITNESS] = "witness",
        [WATCH_TRACE] = "trace",           [WATCH_EXTENSION] = "extension",
        [WATCH_MERKLE] = "merkle",         [WATCH_QUOTIENT] = "quotient",
        [WATCH_OPENINGS] = "openings",     [WATCH_FOLD] = "fold",
        [WATCH_TRANSCRIPT] = "transcript", [WATCH_PROOF] = "proof",
        [WATCH_TABLES] = "tables",
    };

    return names[kind];
}

const char *memory_moment_name(enum watch_moment which)
{
    static const char *const names[WATCH_MOMENTS] = {
        [WATCH_CLAIMED] = "claimed",     [WATCH_EXECUTED] = "executed",
        [WATCH_CHECKED] = "checked",     [WATCH_INTERPOLATED] = "interpolated",
        [WATCH_EXTENDED] = "extended",   [WATCH_HASHED] = "hashed",
        [WATCH_DIVIDED] = "divided",     [WATCH_OPENED] = "opened",
        [WATCH_COMBINED] = "combined",   [WATCH_FOLDED] = "folded",
        [WATCH_GRINDING] = "grinding",   [WATCH_DRAWN] = "drawn",
        [WATCH_ANSWERING] = "answering", [WATCH_WRITTEN] = "written",
    };

    return names[which];
}
