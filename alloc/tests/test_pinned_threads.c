/*
 * test_pinned_threads.c - pinned recycling with begins on any thread, threads that end and leave
 * blocks behind, and processes that fork.
 */
#include "emulator.h"
#include "pinned_phases.h"

#include "region.h"

#include <semaphore.h>

#define ANY_OWNER "ZK_ALLOC_OWNER=any"

/* ---- Threads ---- */

struct idler {
    sem_t go;
    sem_t done;
};

static void *allocate_and_idle(void *arg)
{
    struct idler *idler = arg;

    memset(arena_block(3 * MIB), 1, 3 * MIB);
    sem_post(&idler->done);
    sem_wait(&idler->go);
    zk_free(arena_block(16));
    sem_post(&idler->done);
    sem_wait(&idler->go);
    return NULL;
}

static void a_discarded_phase_is_remembered_however_long_a_thread_is_idle(void)
{
    struct idler idler;
    pthread_t thread;

    sem_init(&idler.go, 0, 0);
    sem_init(&idler.done, 0, 0);
    begin_phase();
    thread = start_thread(allocate_and_idle, &idler);
    sem_wait(&idler.done);
    CHECK(zk_discard_phase() == 0);
    for (unsigned phase = 0; phase < 1000; phase++) {
        begin_phase();
        zk_malloc(100);
        CHECK(zk_discard_phase() == 0);
    }
    begin_phase();
    sem_post(&idler.go);
    sem_wait(&idler.done);
    CHECK(stats_now().pinned_chunks == 0);
    sem_post(&idler.go);
    join_thread(thread);
}

static void a_nested_begin_touches_no_live_block(void)
{
    enum { most = 50 };
    char *blocks[most];
    const unsigned chunks =
        (unsigned)(12 * MIB / chunk_bytes()); /* so few that nothing is said of it */
    const unsigned count = chunks < most ? chunks : most;

    for (unsigned i = 0; i < count; i++) {
        begin_phase(); /* none ends, and each has a chunk of its own */
        blocks[i] = arena_block(1 + 977 * (size_t)i % 30000);
        fill(blocks[i], 977 * (size_t)i % 30000, i);
    }
    for (unsigned i = 0; i < count; i++)
        CHECK(is_filled(blocks[i], 977 * (size_t)i % 30000, i));
}

static void *begin_once(void *arg)
{
    (void)arg;
    begin_phase();
    return NULL;
}

static void a_foreign_begin_touches_no_live_block(void)
{
    char *blocks[100];

    begin_phase();
    for (unsigned i = 0; i < 100; i++) {
        blocks[i] = arena_block(5000);
        fill(blocks[i], 5000, i);
        if (i % 7 == 0)
            run_thread(begin_once, NULL);
    }
    for (unsigned i = 0; i < 100; i++)
        CHECK(is_filled(blocks[i], 5000, i));
    CHECK(stats_now().walks > 10);
}

static void *allocate_and_check(void *arg)
{
    enum { count = 50 };
    char *blocks[count] = {NULL};
    size_t sizes[count] = {0};
    uint64_t random = 1 + (uint64_t)(uintptr_t)arg;

    for (unsigned i = 0; i < (SANITIZED ? 5000 : 30000); i++) {
        size_t at = random_below(&random, count);

        if (blocks[at] != NULL)
            CHECK(is_filled(blocks[at], sizes[at], (unsigned)at));
        zk_free(blocks[at]);
        sizes[at] = random_below(&random, 2000);
        blocks[at] = zk_malloc(sizes[at]);
        fill(blocks[at], sizes[at], (unsigned)at);
    }
    return NULL;
}

static void concurrent_begins_touch_no_live_block(void)
{
    pthread_t workers[3];

    begin_phase();
    for (uintptr_t i = 0; i < 3; i++)
        workers[i] = start_thread(allocate_and_check, (void *)i);
    for (unsigned i = 0; i < 5000; i++)
        begin_phase();
    for (unsigned i = 0; i < 3; i++)
        join_thread(workers[i]);
}

struct legacy {
    char *blocks[100];
    char *first; /* the heir's first block */
};

static void *leave_blocks(void *arg)
{
    struct legacy *legacy = arg;

    for (unsigned i = 0; i < 100; i++) {
        legacy->blocks[i] = arena_block(3000);
        fill(legacy->blocks[i], 3000, i);
    }
    return NULL;
}

static void *inherit(void *arg)
{
    struct legacy *legacy = arg;

    legacy->first = arena_block(3000);
    memset(legacy->first, 0xff, 3000);
    for (unsigned i = 0; i < 1000; i++)
        memset(arena_block(3000), 0xff, 3000);
    return NULL;
}

static void an_heir_leaves_the_blocks_of_the_dead_alone(void)
{
    struct legacy legacy;

    for (unsigned round = 0; round < 10; round++) {
        begin_phase();
        run_thread(leave_blocks, &legacy);
        if (round % 2 == 0) { /* otherwise in the same phase */
            end_phase();
            begin_phase();
        }
        run_thread(inherit, &legacy);
        CHECK(slab_start_of(legacy.first) == slab_start_of(legacy.blocks[0]));
        for (unsigned i = 0; i < 100; i++) {
            CHECK(is_filled(legacy.blocks[i], 3000, i));
            zk_free(legacy.blocks[i]);
        }
        CHECK(zk_discard_phase() == 0); /* what the heir has left */
    }
}

/* ---- fork ---- */

static void *ask_for_stats(void *arg)
{
    for (;;)
        stats_now();
    return arg;
}

static void stats_of_a_child(void *arg)
{
    (void)arg;
    stats_now();
}

static void a_child_forked_beside_a_call_of_stats_can_call_it(void)
{
    begin_phase();
    start_thread(ask_for_stats, NULL);
    for (unsigned i = 0; i < 20; i++)
        CHECK(status_of_fork(stats_of_a_child, NULL) == 0);
}

static void *hold_a_slab(void *arg)
{
    struct idler *idler = arg;

    arena_block(16);
    sem_post(&idler->done);
    sem_wait(&idler->go);
    return NULL;
}

static void *fill_a_chunk(void *arg)
{
    char **first = arg;

    for (size_t i = 0; i < chunk_bytes() / 16 - 1; i++) {
        char *p = arena_block(16);

        if (*first == NULL)
            *first = p;
        CHECK(zk_usable_size(p) == 16);
        zk_free(p);
    }
    return NULL;
}

/* In the child, a new thread takes the slab and fills its first chunk to the last granule. */
static void adopt_in_child(void *arg)
{
    char *first = NULL;
    char *held = arg;
    struct slab *slab = zk_region_slab_of(held);
    const _Atomic uint32_t *end = (_Atomic uint32_t *)(void *)slab->logs + chunk_bytes() / 16;

    run_thread(fill_a_chunk, &first);
    CHECK(first == held + 16);
    CHECK(atomic_load(&slab->log) <= end);
    zk_free(held);
    end_and_begin();
    CHECK(stats_now().retained_count == 0);
}

static void a_block_half_made_at_a_fork_is_undone(void)
{
    struct idler idler;
    pthread_t thread;
    struct slab *slab;
    _Atomic uint32_t *log;
    char *held;

    if (THREAD_SANITIZED)
        skip_because("starts threads in a child of a process with threads");
    needs_forks_beside_threads();
    sem_init(&idler.go, 0, 0);
    sem_init(&idler.done, 0, 0);
    begin_phase();
    thread = start_thread(hold_a_slab, &idler);
    sem_wait(&idler.done);
    slab = zk_region_slab(0);
    held = slab->base;
    log = atomic_load(&slab->log); /* the first two of the fast path's three stores */
    atomic_store(log, (uint32_t)(uintptr_t)atomic_load(&slab->bump));
    atomic_store(&slab->log, log + 1);
    CHECK(status_of_fork(adopt_in_child, held) == 0);
    atomic_store(&slab->log, log);
    sem_post(&idler.go);
    join_thread(thread);
}

static const struct CMUnitTest tests[] = {
    FRESH(a_discarded_phase_is_remembered_however_long_a_thread_is_idle, PINNED_SMALL),
    FRESH(a_nested_begin_touches_no_live_block, .env = {ALL_SIZES, SLAB_64M, NESTED, UNTENURED}),
    FRESH(a_foreign_begin_touches_no_live_block,
          .env = {ALL_SIZES, SLAB_64M, NESTED, ANY_OWNER, UNTENURED}),
    FRESH(concurrent_begins_touch_no_live_block, .env = {ALL_SIZES, SLAB_64M, NESTED, ANY_OWNER}),
    FRESH(an_heir_leaves_the_blocks_of_the_dead_alone, PINNED_SMALL),

    FRESH(a_child_forked_beside_a_call_of_stats_can_call_it, PINNED_SMALL),
    FRESH(a_block_half_made_at_a_fork_is_undone, PINNED_SMALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
