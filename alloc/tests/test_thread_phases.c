/*
 * test_thread_phases.c - every thread learns of every begin and end, whichever thread makes it, and even if
 * several do at once.
 */
#include "thread_crews.h"

#include <sched.h>

/* ---- Every thread learns of every begin and end ---- */

enum { ROUNDS = 1000 };

struct round {
    pthread_barrier_t begun;
    pthread_barrier_t ended;
};

static void *first_block_is_at_the_start(void *arg)
{
    struct round *round = arg;
    char *start = NULL;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char *p;

        meet(&round->begun);
        p = arena_block(100 + i);
        if (start == NULL)
            start = slab_start_of(p);
        CHECK(p == start);
        CHECK((char *)arena_block(100) == p + granules(100 + i));
        meet(&round->ended);
        meet(&round->ended); /* the main thread has ended the phase */
        zk_free(system_block(100));
        meet(&round->ended); /* and begins the next one */
    }
    return NULL;
}

static void every_thread_learns_of_every_begin_and_end(void)
{
    struct round round;
    pthread_t threads[TEAM];

    new_barrier(&round.begun, TEAM + 1);
    new_barrier(&round.ended, TEAM + 1);
    for (unsigned i = 0; i < TEAM; i++)
        threads[i] = start_thread(first_block_is_at_the_start, &round);
    for (unsigned i = 0; i < ROUNDS; i++) {
        begin_phase();
        meet(&round.begun);
        meet(&round.ended);
        end_phase();
        meet(&round.ended);
        meet(&round.ended);
    }
    for (unsigned i = 0; i < TEAM; i++)
        join_thread(threads[i]);
    CHECK(stats_now().arena_count == 2 * ROUNDS * TEAM);
    CHECK(stats_now().system_count == ROUNDS * TEAM);
}

struct tug {
    _Atomic unsigned ended;  /* phases that the main thread has ended */
    _Atomic unsigned seen;   /* how many of these the other thread has allocated after */
    _Atomic unsigned served; /* blocks that the other thread got from the arena */
    unsigned phases;
};

static void *allocate_without_pause(void *arg)
{
    struct tug *tug = arg;

    for (unsigned seen = 0, idle = 0; seen < tug->phases; idle++) {
        unsigned ended = atomic_load(&tug->ended);
        char *p = zk_malloc(64);

        CHECK(p != NULL && (ended == seen || !zk_owns(p)));
        if (zk_owns(p))
            atomic_fetch_add(&tug->served, 1);
        zk_free(p);
        seen = ended;
        atomic_store(&tug->seen, seen);
        if (idle % 1024 == 0)
            sched_yield(); /* the main thread may be waiting for this processor */
    }
    return NULL;
}

/* The other thread opens its floor while this one closes it: it must stay closed. */
static void an_end_beside_the_first_block_of_a_phase_holds(void)
{
    struct tug tug = {.phases = 4000};
    pthread_t thread = start_thread(allocate_without_pause, &tug);
    uint64_t random = 11;

    for (unsigned i = 1; i <= tug.phases; i++) {
        unsigned served = atomic_load(&tug.served);

        begin_phase();
        while (i % 16 == 0 && atomic_load(&tug.served) == served)
            sched_yield(); /* so that the other thread gets to run, on any machine */
        for (volatile size_t spins = random_below(&random, 300); spins > 0; spins--)
            continue;
        end_phase();
        atomic_store(&tug.ended, i);
        while (atomic_load(&tug.seen) < i)
            sched_yield();
    }
    join_thread(thread);
}

static void *find_slab_start(void *arg)
{
    struct slab_start *self = arg;

    self->start = arena_block(100);
    meet(self->barrier);
    return NULL;
}

static int compare_starts(const void *a, const void *b)
{
    char *const *left = a;
    char *const *right = b;

    return (*left > *right) - (*left < *right);
}

static void slabs_lie_side_by_side(void)
{
    pthread_barrier_t barrier;
    struct slab_start *selves;
    pthread_t *threads;
    char **starts;
    size_t slabs;

    begin_phase();
    slabs = (size_t)stats_now().slabs;
    selves = calloc(slabs, sizeof *selves);
    threads = calloc(slabs, sizeof *threads);
    starts = calloc(slabs, sizeof *starts);
    CHECK(selves != NULL && threads != NULL && starts != NULL);
    new_barrier(&barrier, slabs);
    for (size_t i = 0; i < slabs; i++) {
        selves[i].barrier = &barrier;
        threads[i] = start_thread(find_slab_start, &selves[i]);
    }
    for (size_t i = 0; i < slabs; i++) {
        join_thread(threads[i]);
        starts[i] = selves[i].start;
    }
    qsort(starts, slabs, sizeof *starts, compare_starts);
    CHECK(!zk_owns(starts[0] - 1));
    for (size_t i = 0; i < slabs; i++)
        CHECK(starts[i] == starts[0] + i * stats_now().slab_bytes);
    CHECK(!zk_owns(starts[0] + slabs * stats_now().slab_bytes));
}

/* ---- All at once ---- */

enum { CYCLES = 3000 };

static _Atomic uint64_t hook_runs;
static _Atomic uint64_t arena_blocks;
static _Atomic uint64_t system_blocks;

static void count_hook(void *arg)
{
    (void)arg;
    atomic_fetch_add(&hook_runs, 1);
}

/* No block is touched: under blind, another thread's begin may already have handed it to someone
 * else. */
static void *begin_allocate_end(void *arg)
{
    uint64_t random = (uint64_t)(uintptr_t)arg;
    uint64_t counts[2] = {0};

    for (unsigned i = 0; i < CYCLES; i++) {
        begin_phase(); /* nesting=recycle, owner=any */
        for (size_t blocks = random_below(&random, 30); blocks > 0; blocks--) {
            size_t size = random_size(&random) / 8;
            char *p = zk_malloc(size);

            CHECK(p != NULL && zk_usable_size(p) >= size);
            CHECK(!zk_owns(p) || zk_owns(p + zk_usable_size(p) - 1));
            counts[zk_owns(p)]++;
            zk_free(p);
        }
        if (zk_end_phase() != 0)
            CHECK(errno == EINVAL); /* another thread was first */
    }
    atomic_fetch_add(&system_blocks, counts[false]);
    atomic_fetch_add(&arena_blocks, counts[true]);
    return NULL;
}

static void look_around(uint64_t *random)
{
    struct zk_config config;

    CHECK(stats_now().slabs > 0);
    CHECK(zk_config(&config) == 0 && config.nesting == ZK_NESTING_RECYCLE);
    CHECK(zk_high_water() == 0); /* it never allocates */
    CHECK(!zk_owns(random));
}

static void phases_that_begin_and_end_on_all_threads_at_once(void)
{
    struct crew crew = {.work = look_around};
    pthread_t threads[TEAM];
    pthread_t spectator;
    struct zk_stats stats;
    char *start;

    CHECK(zk_on_phase_end(count_hook, NULL) == 0);
    begin_phase();
    spectator = start_thread(work_until_stopped, &crew);
    for (uintptr_t i = 0; i < TEAM; i++)
        threads[i] = start_thread(begin_allocate_end, (void *)(i + 1));
    for (unsigned i = 0; i < TEAM; i++)
        join_thread(threads[i]);
    atomic_store(&crew.stop, true);
    join_thread(spectator);

    stats = stats_now();
    CHECK(stats.phases == 1 + TEAM * CYCLES);
    CHECK(hook_runs > 0 && hook_runs <= stats.phases);
    CHECK(stats.arena_count == arena_blocks && stats.system_count == system_blocks);
    CHECK(arena_blocks > 0);
    CHECK(stats.orphans == 0 && stats.slabs_in_use == 0);

    begin_phase(); /* and everything works as in a new process */
    CHECK(stats_now().retained_count == 0);
    start = arena_block(1000);
    CHECK(start == slab_start_of(start));
    CHECK((char *)arena_block(1000) == start + granules(1000));
    end_phase();
    system_block(1000);
    begin_phase();
    CHECK(stats_now().retained_count == 2);
    CHECK(zk_high_water() == 2 * granules(1000));
}

static void grow_and_shrink(uint64_t *random)
{
    char *p = zk_malloc(10);

    for (unsigned i = 0; i < 10; i++) {
        p = zk_realloc(p, 1 + random_below(random, 10000));
        CHECK(p != NULL);
    }
    p = zk_realloc_sized(p, 1, 64, 100);
    CHECK(p != NULL);
    zk_free(p);
}

/* Nothing orders the two; ThreadSanitizer reports it if that is a race. */
static void the_first_begin_beside_threads_at_work(void)
{
    struct crew crew = {.work = grow_and_shrink};
    struct crew frees = {.work = allocate_and_free};
    struct zk_config config;
    pthread_t threads[2];

    threads[0] = start_thread(work_until_stopped, &crew);
    threads[1] = start_thread(work_until_stopped, &frees);
    while (stats_now().system_count < 100)
        sched_yield();
    CHECK(zk_config(&config) == 0);
    config.realloc = ZK_REALLOC_MIGRATE;
    CHECK(zk_configure(&config) == 0);
    for (unsigned i = 0; i < 100; i++)
        sched_yield();
    begin_phase();
    while (stats_now().arena_count < 100)
        sched_yield();
    end_phase();
    atomic_store(&crew.stop, true);
    atomic_store(&frees.stop, true);
    for (unsigned i = 0; i < 2; i++)
        join_thread(threads[i]);
}

static const struct CMUnitTest tests[] = {
    FRESH(every_thread_learns_of_every_begin_and_end, .env = {ARENA}),
    FRESH(an_end_beside_the_first_block_of_a_phase_holds, .env = {ARENA}),
    FRESH(slabs_lie_side_by_side, .env = {ARENA}),

    FRESH(phases_that_begin_and_end_on_all_threads_at_once,
          .env = {ARENA, "ZK_ALLOC_NESTING=recycle", "ZK_ALLOC_OWNER=any"}),
    FRESH(the_first_begin_beside_threads_at_work, .env = {ARENA}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
