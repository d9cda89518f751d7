/*
 * small_scope.c - what each operation does, and what must hold after it.
 *
 * Not all bytes of a block are checked, only some in each page, at the start and at the end; the oracle checks
 * all (oracle.h).
 */
#include "small_scope.h"

#include "phase.h"
#include "slab.h"
#include "thread.h"
#include "zkalloc.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { limited_sequences = 65536 }; /* run within a minute */

struct scope scope;

static size_t class_bytes[SCOPE_CLASSES];
static size_t page_bytes;
static size_t chunk_bytes;
static size_t slab_bytes;

/* ---- Failures ---- */

/* The command to run the sequence again, up to the opening quote. */
static char how[80];

/* Uses only write, since a signal handler may call it. */
static void print_path(void)
{
    char text[SCOPE_LENGTH_MAX * 4 + 2];
    size_t at = 0;

    for (unsigned i = 0; i < scope.length; i++) {
        text[at++] = scope.path[i].what;
        if (scope.path[i].what != 'b' && scope.path[i].what != 'd')
            text[at++] = (char)('0' + scope.path[i].which);
        text[at++] = i + 1 < scope.length ? ' ' : '\'';
    }
    if (at == 0)
        text[at++] = '\'';
    text[at++] = '\n';
    if (write(STDOUT_FILENO, how, strlen(how)) < 0 || write(STDOUT_FILENO, text, at) < 0)
        _exit(1);
}

void scope_fail(const struct scope_block *block, const char *what)
{
    printf("test_small_scope: %s", what);
    if (block != NULL)
        printf(": block %" PRIu64 " at %p, %zu bytes, usable %zu, %s", block->number,
               (void *)block->p, block->size, block->usable, block->arena ? "arena" : "system");
    printf("\n");
    fflush(stdout);
    print_path();
    _exit(1);
}

static void on_signal(int number)
{
    print_path();
    signal(number, SIG_DFL);
    raise(number);
}

/* Limits processor time, so that a busy machine makes no difference. */
static void limit_time(void)
{
    const struct itimerval limit = {.it_value.tv_sec = 60};

    setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

void scope_watch(void)
{
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGVTALRM};

    snprintf(how, sizeof how, "  test_small_scope %s--chunks %u --age %u --replay '",
             scope.setup.oracle ? "--oracle " : "", scope.setup.slab_chunks, scope.setup.age);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], on_signal);
}

/* ---- Blocks ---- */

/* A word in each page, in a different cache line each time, and one at the end. */
static size_t place_of(size_t page, size_t size)
{
    size_t place = page * page_bytes + page % (page_bytes / 64) * 64;

    return place + sizeof(uint64_t) <= size ? place : size - sizeof(uint64_t);
}

static void fill(const struct scope_block *block)
{
    for (size_t page = 0; page * page_bytes < block->size; page++) {
        uint64_t word = block->number << 16 | page;

        memcpy(block->p + place_of(page, block->size), &word, sizeof word);
    }
    memcpy(block->p + block->size - sizeof(uint64_t), &block->number, sizeof block->number);
}

/* Checks the first `carried` bytes, now at p, of a block that was filled when it had its recorded size. */
static void check_bytes(const struct scope_block *block, const char *p, size_t carried)
{
    for (size_t page = 0; page * page_bytes < block->size; page++) {
        size_t place = place_of(page, block->size);
        uint64_t word = block->number << 16 | page;

        if (place + sizeof word > carried)
            break;
        if (place + sizeof word > block->size - sizeof word) /* the word at the end overlaps it */
            continue;
        if (memcmp(p + place, &word, sizeof word) != 0)
            scope_fail(block, "bytes have changed");
    }
    if (carried == block->size &&
        memcmp(p + block->size - sizeof(uint64_t), &block->number, sizeof(uint64_t)) != 0)
        scope_fail(block, "the last bytes have changed");
}

static void check_block(const struct scope_block *block)
{
    check_bytes(block, block->p, block->size);
    if (zk_usable_size(block->p) < block->usable)
        scope_fail(block, "less is usable than before");
}

static void check_apart(const struct scope_state *state, const struct scope_block *block)
{
    size_t usable = zk_usable_size(block->p);

    for (unsigned i = 0; i < state->count; i++) {
        const struct scope_block *other = &state->blocks[i];

        if (other != block && other->live && other->p < block->p + usable &&
            block->p < other->p + other->usable)
            scope_fail(block, "lies on another one");
    }
}

static void check_all(const struct scope_state *state)
{
    for (unsigned i = 0; i < state->count; i++) {
        if (!state->blocks[i].live)
            continue;
        check_block(&state->blocks[i]);
        check_apart(state, &state->blocks[i]);
    }
}

/* p is a block of size bytes, new or where it was. */
static void admit(struct scope_state *state, struct scope_block *block, char *p, size_t size)
{
    if (p == NULL)
        scope_fail(NULL, "no memory");
    block->p = p;
    block->size = size;
    block->number = scope.next_number++;
    block->usable = zk_usable_size(p);
    block->arena = zk_owns(p);
    block->live = true;
    if ((uintptr_t)p % ZK_GRANULE != 0)
        scope_fail(block, "not aligned");
    if (block->usable < size)
        scope_fail(block, "less is usable than was asked for");
    check_apart(state, block);
    fill(block);
    state->places[state->served++] = *block;
}

/* ---- Elsewhere ---- */

static struct {
    sem_t wanted;
    sem_t done;
    void *p;
} other;

static void *other_thread(void *arg)
{
    (void)arg;
    for (;;) {
        sem_wait(&other.wanted);
        zk_free(other.p);
        sem_post(&other.done);
    }
    return NULL;
}

static void start_other(void)
{
    pthread_t thread;

    sem_init(&other.wanted, 0, 0);
    sem_init(&other.done, 0, 0);
    if (pthread_create(&thread, NULL, other_thread, NULL) != 0)
        scope_fail(NULL, "no thread");
}

static void free_elsewhere(void *p)
{
    struct slab *mine = zk_my_slab;

    if (scope.setup.real_thread) {
        other.p = p;
        sem_post(&other.wanted);
        sem_wait(&other.done);
        return;
    }
    zk_my_slab = &zk_no_slab;
    zk_free(p);
    zk_my_slab = mine;
}

/* ---- Operations ---- */

/* If a live block keeps the chunk at start, the end of all that has ever started in that chunk; otherwise start. */
static const char *kept_to(const struct scope_state *state, const char *start)
{
    const char *end = start;
    bool kept = false;

    for (unsigned i = 0; i < state->count; i++)
        kept = kept || (state->blocks[i].live && state->blocks[i].p >= start &&
                        state->blocks[i].p < start + chunk_bytes);
    if (!kept)
        return start;
    end = start + chunk_bytes;
    for (unsigned i = 0; i < state->served; i++)
        if (state->places[i].p >= start && state->places[i].p < start + chunk_bytes &&
            state->places[i].p + state->places[i].usable > end)
            end = state->places[i].p + state->places[i].usable;
    return end;
}

/* For the first block of a phase the slab has been recycled: is there a row of chunks that are not kept, with room for
 * it and for the few cache lines by which blocks are staggered? */
static bool has_room(const struct scope_state *state, size_t size)
{
    /* A large block starts with a chunk, and the first one of the row may lack the lines of a block before. */
    const size_t needed = size + page_bytes + (size >= ZK_LARGE_FROM ? chunk_bytes : 0);
    const char *start = zk_my_slab->base;
    const char *kept = start;
    size_t run = 0;

    for (unsigned i = 0; i < scope.setup.slab_chunks && run < needed; i++, start += chunk_bytes) {
        const char *end = kept_to(state, start);

        kept = end > kept ? end : kept;
        run = kept > start ? 0 : run + chunk_bytes;
    }
    return run >= needed;
}

static void make(struct scope_state *state, unsigned class)
{
    struct scope_block *block = &state->blocks[state->count];

    *block = (struct scope_block){.class = class, .young = true};
    admit(state, block, zk_malloc(class_bytes[class]), class_bytes[class]);
    scope.strays += !block->arena && state->active;
    if (block->arena && !state->active)
        scope_fail(block, "from the arena outside of a phase");
    if (!block->arena && state->fresh && has_room(state, block->size))
        scope_fail(block, "not from the arena, which has room");
    state->fresh = false;
    state->count++;
}

static void release(struct scope_block *block, bool elsewhere)
{
    check_block(block);
    block->live = false;
    if (elsewhere)
        free_elsewhere(block->p);
    else
        zk_free(block->p);
}

static void resize(struct scope_state *state, struct scope_block *block, unsigned class)
{
    struct scope_block old = *block;
    size_t size;
    char *p;

    if (class >= SCOPE_CLASSES)
        scope_fail(block, "no sequence: there is no such size");
    size = class_bytes[class];
    check_block(&old);
    p = zk_realloc(old.p, size);
    if (p == NULL)
        scope_fail(&old, "no memory to resize it");
    check_bytes(&old, p, old.size < size ? old.size : size);
    state->fresh = false;
    block->class = class;
    block->young = p == old.p ? old.young : true;
    scope.grown_in_place += p == old.p && size > old.size && old.arena;
    scope.moved += p != old.p;
    admit(state, block, p, size);
}

static uint64_t live_in_arena(const struct scope_state *state)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < state->count; i++)
        count += state->blocks[i].live && state->blocks[i].arena;
    return count;
}

/* Runs the phases before the one that begins: in each, a block is allocated and freed. */
static void grow_old(void)
{
    for (unsigned i = 1; i < scope.setup.age; i++) {
        if (zk_begin_phase() != 0)
            scope_fail(NULL, "a phase does not begin");
        zk_free(zk_malloc(ZK_GRANULE));
    }
}

static void begin(struct scope_state *state)
{
    uint64_t retained;

    check_all(state);
    grow_old();
    if (zk_begin_phase() != 0)
        scope_fail(NULL, "a phase does not begin");
    state->active = state->fresh = true;
    state->discarded = state->discarded && scope.setup.age == 1; /* else recycled since */
    retained = zk_phase_counts().retained_count;
    if (!scope.setup.blind &&
        (retained < live_in_arena(state) || (retained > live_in_arena(state) && !state->discarded)))
        scope_fail(NULL, "not as many are retained as live");
    for (unsigned i = 0; i < state->count; i++)
        state->blocks[i].young = false;
}

static void discard(struct scope_state *state)
{
    for (unsigned i = 0; i < state->count && state->active; i++) {
        struct scope_block *block = &state->blocks[i];

        if (!block->live || !block->arena || !block->young)
            continue;
        check_block(block);
        block->live = false;
        state->discarded = true;
    }
    if (zk_discard_phase() != (state->active ? 0 : -1))
        scope_fail(NULL, "a phase is not discarded");
    state->active = state->fresh = false;
}

static void step(struct scope_state *state, struct scope_op operation)
{
    struct scope_block *block = &state->blocks[operation.which];

    if (strchr("fegs", operation.what) != NULL && (operation.which >= state->count || !block->live))
        scope_fail(NULL, "no sequence: there is no such block");
    if (operation.which >= SCOPE_CLASSES && operation.what == 'a')
        scope_fail(NULL, "no sequence: there is no such size");
    switch (operation.what) {
    case 'a':
        make(state, operation.which);
        break;
    case 'f':
    case 'e':
        release(block, operation.what == 'e');
        break;
    case 'g':
        resize(state, block, block->class + 1);
        break;
    case 's':
        resize(state, block, block->class - 1);
        break;
    case 'b':
        begin(state);
        break;
    default:
        discard(state);
        break;
    }
}

/* Frees all live blocks. Then the slab must be as good as new. */
static void finish(struct scope_state *state)
{
    char *p;

    check_all(state);
    for (unsigned i = 0; i < state->count; i++)
        if (state->blocks[i].live)
            release(&state->blocks[i], false);
    begin(state);
    p = zk_malloc(slab_bytes - page_bytes); /* as above */
    if (!zk_owns(p))
        scope_fail(NULL, "nothing lives, and the slab has no room for a block of nearly its size");
    zk_free(p);
    state->discarded = false; /* the slab was recycled */
    begin(state);
}

/* Runs the first length operations of scope.path; *state is the state before everything is freed. */
void scope_run(unsigned length, struct scope_state *state)
{
    struct scope_state end;

    scope.length = length;
    *state = (struct scope_state){.active = true, .fresh = true};
    if (scope.sequences++ % limited_sequences == 0)
        limit_time();
    for (unsigned i = 0; i < length; i++)
        step(state, scope.path[i]);
    end = *state;
    finish(&end);
}

void scope_start(void)
{
    struct zk_config config = {
        .recycle = scope.setup.blind ? ZK_RECYCLE_BLIND : ZK_RECYCLE_PINNED,
        .slab_bytes = scope.setup.slab_chunks * zk_chunk_bytes(),
        .nesting = ZK_NESTING_RECYCLE,
        .owner = ZK_OWNER_ANY,
        .pretenure = ZK_PRETENURE_OFF, /* sizes that survive must stay */
        .tools = ZK_TOOLS_IGNORE,      /* memory debuggers would turn off the fast paths */
    };

    chunk_bytes = zk_chunk_bytes();
    /* Serves blocks for which the arena has no room, without mapping them anew each time. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    class_bytes[0] = ZK_GRANULE;
    class_bytes[1] = chunk_bytes / 2;
    class_bytes[2] = chunk_bytes / 2 * 3;
    slab_bytes = config.slab_bytes;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    scope_watch();
    if (zk_configure(&config) != 0 || zk_begin_phase() != 0)
        scope_fail(NULL, "the allocator cannot be configured");
    if (scope.setup.real_thread)
        start_other();
}
