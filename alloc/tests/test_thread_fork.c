/*
 * test_thread_fork.c - forks in phases and outside, beside working threads.
 */
#include "emulator.h"
#include "thread_crews.h"

static void child_goes_on(void *arg)
{
    char *p = arg; /* the parent's last block, of 5000 bytes */
    char *q;

    CHECK(is_filled(p, 5000, 4));
    q = arena_block(5000);
    CHECK(q == p + granules(5000));
    fill(q, 5000, 5);
    fill(p, 5000, 6);
    zk_free(p);
    zk_free(q);
    p = zk_realloc(arena_block(100), 200);
    CHECK(zk_usable_size(p) >= 200 && zk_owns(p));
    zk_free(p);
    end_phase();
    system_block(5000);
    begin_phase();
    CHECK(stats_now().retained_count == 1); /* the parent's first block */
    q = arena_block(5000);
    CHECK(q == slab_start_of(q));
    memset(q, 0, 3000);
    end_phase();
    errno = 0;
    CHECK(zk_end_phase() == -1 && errno == EINVAL);
}

static void a_fork_in_a_phase_leaves_two_processes_in_a_phase(void)
{
    char *first;
    char *p;

    begin_phase();
    first = arena_block(5000);
    fill(first, 5000, 3);
    p = arena_block(5000);
    fill(p, 5000, 4);
    CHECK(status_of_fork(child_goes_on, p) == 0);
    CHECK(is_filled(first, 5000, 3) && is_filled(p, 5000, 4));
    CHECK((char *)arena_block(5000) == p + granules(5000));
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 3);
}

static void child_ends_and_begins(void *arg)
{
    (void)arg;
    arena_block(100);
    end_phase();
    system_block(100);
    begin_phase();
    arena_block(100);
    CHECK(stats_now().orphans == 0);
    end_phase();
}

static void *fork_here(void *arg)
{
    (void)arg;
    CHECK(status_of_fork(child_ends_and_begins, NULL) == 0);
    arena_block(100);
    CHECK(status_of_fork(child_ends_and_begins, NULL) == 0);
    return NULL;
}

/* In the child no other thread could end the phase. */
static void the_child_of_any_thread_owns_its_phase(void)
{
    begin_phase();
    arena_block(100);
    run_thread(fork_here, NULL);
    errno = 0;
    CHECK(zk_begin_phase() == -1 && errno == EBUSY); /* in the parent nothing has changed */
    end_phase();
}

/* A system block in the child of a process whose other threads may have been inside system. Not under
 * ThreadSanitizer, whose malloc does not take its own locks around a fork: one that another thread
 * held stays locked in the child for ever. */
static void system_block_beside_a_fork(size_t size)
{
    if (!THREAD_SANITIZED)
        zk_free(system_block(size));
}

static void child_begins(void *arg)
{
    (void)arg;
    system_block_beside_a_fork(100);
    begin_phase();
    arena_block(100);
    end_phase();
}

static void a_fork_outside_of_phases(void)
{
    CHECK(status_of_fork(child_begins, NULL) == 0);
    begin_phase();
    arena_block(100);
    end_phase();
    CHECK(status_of_fork(child_begins, NULL) == 0);
    CHECK(stats_now().phases == 1);
}

static void *hold_a_slab(void *arg)
{
    struct slab_start *self = arg;

    self->start = arena_block(5000);
    fill(self->start, 5000, 7);
    meet(self->barrier); /* all have a slab */
    meet(self->barrier); /* the main thread has forked */
    return NULL;
}

static void child_inherits_slabs(void *arg)
{
    struct slab_start *holders = arg;
    size_t slabs = (size_t)stats_now().slabs;

    CHECK(stats_now().slabs_in_use == 1); /* the other holders do not exist here */
    for (size_t i = 0; i < 2 * slabs; i++) {
        struct legacy legacy = {.bytes = 3000, .seed = 8};

        run_thread(leave_a_block, &legacy);
    }
    for (size_t i = 0; i + 1 < slabs; i++)
        CHECK(is_filled(holders[i].start, 5000, 7)); /* it is still the same phase */
    CHECK(stats_now().overflow_count == 0);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == slabs + 2 * slabs);
}

static void the_slabs_of_threads_that_are_not_in_the_child_are_free_there(void)
{
    pthread_barrier_t barrier;
    struct slab_start *holders;
    pthread_t *threads;
    size_t others;

    if (THREAD_SANITIZED)
        skip_because("ThreadSanitizer starts no threads in the child of a process with threads");
    needs_forks_beside_threads();
    begin_phase();
    arena_block(5000);
    others = (size_t)stats_now().slabs - 1;
    holders = calloc(others, sizeof *holders);
    threads = calloc(others, sizeof *threads);
    CHECK(holders != NULL && threads != NULL);
    new_barrier(&barrier, others + 1);
    for (size_t i = 0; i < others; i++) {
        holders[i].barrier = &barrier;
        threads[i] = start_thread(hold_a_slab, &holders[i]);
    }
    meet(&barrier);
    CHECK(stats_now().slabs_in_use == others + 1);
    CHECK(status_of_fork(child_inherits_slabs, holders) == 0);
    meet(&barrier);
    for (size_t i = 0; i < others; i++)
        join_thread(threads[i]);
    end_phase();
}

/* Forks repeatedly while two threads work. */
static void fork_beside(void (*work)(uint64_t *random), void (*child)(void *arg), unsigned forks)
{
    struct crew crew = {.work = work};
    pthread_t threads[2];

    for (unsigned i = 0; i < 2; i++)
        threads[i] = start_thread(work_until_stopped, &crew);
    for (unsigned i = 0; i < forks; i++)
        CHECK(status_of_fork(child, NULL) == 0);
    atomic_store(&crew.stop, true);
    for (unsigned i = 0; i < 2; i++)
        join_thread(threads[i]);
}

static void child_uses_everything(void *arg)
{
    char *p;

    (void)arg;
    arena_block(100);
    end_phase();
    begin_phase();
    p = arena_block(1000);
    CHECK(p == slab_start_of(p));
    p = zk_realloc(p, 100000);
    CHECK(zk_usable_size(p) >= 100000);
    zk_free(p);
    end_phase();
    system_block_beside_a_fork(0);
    CHECK(stats_now().phases == 2);
}

static void a_fork_beside_allocating_threads(void)
{
    begin_phase();
    arena_block(100); /* takes a slab of its own, which is not full */
    fork_beside(allocate_and_free, child_uses_everything, 100);
    end_phase();
}

static void look_at_the_stats(uint64_t *random)
{
    (void)random;
    stats_now();
    zk_reset_stats();
}

static void child_looks_at_the_stats(void *arg)
{
    (void)arg;
    stats_now();
    zk_reset_stats();
    CHECK(stats_now().system_count == 0);
}

static void a_fork_beside_threads_that_look_at_the_stats(void)
{
    begin_phase();
    arena_block(100);
    fork_beside(look_at_the_stats, child_looks_at_the_stats, 200);
    end_phase();
}

static void *allocate_once(void *arg)
{
    zk_free(zk_malloc(100));
    return arg;
}

static void live_and_die(uint64_t *random)
{
    (void)random;
    run_thread(allocate_once, NULL);
}

static void look_at_the_configuration(uint64_t *random)
{
    struct zk_config config;

    (void)random;
    CHECK(zk_config(&config) == 0);
}

/* The process has never begun a phase, but its children do. */
static void a_fork_before_the_first_begin_beside_threads_at_work(void)
{
    fork_beside(look_at_the_configuration, child_begins, 300);
}

static void a_fork_beside_new_threads(void)
{
    needs_forks_beside_threads();
    begin_phase();
    end_phase();
    fork_beside(live_and_die, child_begins, 300);
}

static const struct CMUnitTest tests[] = {
    FRESH(a_fork_in_a_phase_leaves_two_processes_in_a_phase,
          .env = {BLIND, SLAB_16M, "ZK_ALLOC_MIN_BYTES=100"}),
    FRESH(the_child_of_any_thread_owns_its_phase, .env = {ARENA}),
    FRESH(a_fork_outside_of_phases, .env = {ARENA}),
    FRESH(the_slabs_of_threads_that_are_not_in_the_child_are_free_there, .env = {ARENA}),
    FRESH(a_fork_beside_allocating_threads, .env = {ARENA}),
    FRESH(a_fork_beside_threads_that_look_at_the_stats, .env = {ARENA}),
    FRESH(a_fork_beside_new_threads, .env = {ARENA}),
    FRESH(a_fork_before_the_first_begin_beside_threads_at_work, .env = {ARENA}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
