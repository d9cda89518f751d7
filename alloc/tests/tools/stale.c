/*
 * stale.c - a program with one bug, or none, for a memory debugger to find. stale CASE; see the list at
 * the end.
 */
#include "zkalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { block_bytes = 5000 };

static char *made(void)
{
    char *p = zk_malloc(block_bytes);

    if (p == NULL || !zk_owns(p)) {
        fputs("stale: no block from the arena\n", stderr);
        exit(2);
    }
    memset(p, 1, block_bytes);
    return p;
}

static void next_phase(void)
{
    zk_end_phase();
    if (zk_begin_phase() != 0)
        exit(2);
}

/* A block of the previous phase, on which nothing has been put yet. */
static char *retained(void)
{
    char *p;

    next_phase();
    p = made();
    next_phase();
    return p;
}

static void reads_stale(void)
{
    const volatile char *p = retained();

    if (p[4000] == 7) /* here */
        puts("7");
}

static void writes_stale(void)
{
    volatile char *p = retained();

    p[4000] = 7; /* here */
}

/* Reads it in the C library. */
static void copies_stale(void)
{
    static char copy[block_bytes];

    memcpy(copy, retained(), block_bytes); /* here */
    puts(copy[1] == 7 ? "7" : "");
}

static void reallocs_stale(void)
{
    puts(zk_realloc(retained(), 100000) == NULL ? "none" : ""); /* here */
}

static void reads_freed(void)
{
    const volatile char *p;

    next_phase();
    p = made();
    zk_free((char *)(uintptr_t)p);
    if (p[4000] == 7) /* here */
        puts("7");
}

static void writes_freed_of_an_earlier_phase(void)
{
    volatile char *p = retained();

    zk_free((char *)(uintptr_t)p);
    p[4000] = 7; /* here */
}

/* Branches on uninitialised memory: memcheck only. */
static void reads_what_was_never_written(void)
{
    volatile char *p;

    next_phase();
    zk_free(made());
    next_phase();
    p = zk_malloc(block_bytes);
    if (p[4000] == 7) /* here */
        puts("7");
}

/* Calls every function, phase after phase, correctly. */
static void is_clean(void)
{
    char *kept = NULL;

    for (unsigned phase = 0; phase < 20; phase++) {
        char *blocks[50];

        next_phase();
        for (unsigned i = 0; i < 50; i++) {
            size_t bytes = 1 + (i * 7919 + phase * 104729) % 9000;
            size_t usable;

            blocks[i] = i % 3 == 0   ? zk_calloc(1, bytes)
                        : i % 3 == 1 ? zk_aligned_alloc((size_t)16 << i % 12, bytes)
                                     : zk_malloc(bytes);
            if (i % 3 == 0 && (blocks[i][0] != 0 || blocks[i][bytes - 1] != 0))
                exit(3);
            if (i % 4 == 0)
                blocks[i] = zk_realloc(blocks[i], bytes + 500 * (i % 3));
            usable = zk_usable_size(blocks[i]);
            if (i > 0) { /* an aligned block after it may have left a gap */
                blocks[i - 1] = zk_realloc(blocks[i - 1], zk_usable_size(blocks[i - 1]));
                memset(blocks[i - 1], 1, zk_usable_size(blocks[i - 1]));
            }
            memset(blocks[i], (int)phase, usable);
        }
        if (getenv("KEEP") != NULL) { /* under pinned that is not a bug */
            if (kept != NULL && kept[0] != (char)(phase - 1))
                exit(4);
            zk_free(kept);
            kept = blocks[49];
            blocks[49] = NULL;
        }
        for (unsigned i = 0; i < 50; i++)
            zk_free(blocks[i]);
    }
    zk_free(kept);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"reads-stale", reads_stale},
    {"writes-stale", writes_stale},
    {"copies-stale", copies_stale},
    {"reallocs-stale", reallocs_stale},
    {"reads-freed", reads_freed},
    {"writes-freed", writes_freed_of_an_earlier_phase},
    {"reads-unwritten", reads_what_was_never_written},
    {"clean", is_clean},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    fputs("usage: stale CASE\n", stderr);
    return 2;
}
