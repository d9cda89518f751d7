/*
 * test_trap_threads.c - threads that fault at once, and children of a fork.
 */
#include "stale_block.h"

#include <stdatomic.h>

/* ---- Threads ---- */

enum { CROWD = 8, ROUNDS = 200 };

static pthread_barrier_t barrier;
static char *shared;

static void *touch_with_the_others(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        (void)__atomic_load_n(shared + (uintptr_t)arg, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void threads_that_fault_on_one_block_at_once_are_one_touch(void)
{
    pthread_t threads[CROWD];

    CHECK(pthread_barrier_init(&barrier, NULL, CROWD + 1) == 0);
    shared = stale_block(10000);
    for (uintptr_t i = 0; i < CROWD; i++)
        threads[i] = start_thread(touch_with_the_others, (void *)(i * 1000));
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        CHECK(summary_now().touched_count == i + 1);
        next_phase();
    }
    for (unsigned i = 0; i < CROWD; i++)
        join_thread(threads[i]);
}

static _Atomic unsigned wrong;

static void *use_own_blocks(void *arg)
{
    char **kept = arg;

    for (unsigned i = 0; i < 20; i++) {
        char *p = make(100 + i);

        memset(p, (int)i, 100 + i);
        if (*kept != NULL) {
            wrong += (*kept)[0] != (char)(i - 1);
            zk_free(*kept);
        }
        *kept = p;
        if (i % 5 == 4)
            pthread_barrier_wait(&barrier);
        if (i % 5 == 4)
            pthread_barrier_wait(&barrier);
    }
    zk_free(*kept);
    return NULL;
}

static void two_hundred_threads(void)
{
    enum { THREADS = 200 };
    static char *kept[THREADS];
    static pthread_t threads[THREADS];

    CHECK(pthread_barrier_init(&barrier, NULL, THREADS + 1) == 0);
    next_phase();
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_thread(use_own_blocks, &kept[i]);
    for (unsigned i = 0; i < 4; i++) {
        pthread_barrier_wait(&barrier);
        next_phase();
        CHECK(summary_now().retained_count == THREADS);
        pthread_barrier_wait(&barrier);
    }
    for (unsigned i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    CHECK(wrong == 0);
    CHECK(summary_now().touched_count == 3 * THREADS);
    CHECK(summary_now().freed_late_count == THREADS); /* and not read since the begin */
}

static void *touch_with_signals_blocked(void *arg)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    make(10);
    read_at(arg, 0);
    return NULL;
}

static void a_thread_that_blocks_all_signals_goes_on(void)
{
    run_thread(touch_with_signals_blocked, stale_block(10));
    CHECK(summary_now().touched_count == 1);
}

/* ---- Children ---- */

static void goes_on_in_a_child(void *arg)
{
    char *p;

    CHECK(summary_now().touched_count == 0);
    CHECK(read_at(arg, 0) == 7); /* allocated in a phase of its parent */
    next_phase();
    read_at(arg, 0);
    p = make(50);
    next_phase();
    read_at(p, 0);
    CHECK(summary_now().touched_count == 3);
}

static void a_child_has_a_trap_of_its_own(void)
{
    char *p = stale_block(100);
    char *q = stale_block(100);

    read_at(q, 0);
    CHECK(status_of_fork(goes_on_in_a_child, p) == 0);
    CHECK(summary_now().touched_count == 1);
    read_at(p, 0);
    CHECK(summary_now().touched_count == 2);
}

static void *fault_all_the_time(void *arg)
{
    while (!atomic_load(&wrong)) {
        char *p = make(100);

        p[0] = 1;
        sched_yield();
        p[1] = 2;
        zk_free(p);
    }
    return arg;
}

static void a_fork_while_other_threads_fault(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    char *p = stale_block(100);

    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_thread(fault_all_the_time, NULL);
    for (unsigned i = 0; i < 50; i++) {
        next_phase();
        CHECK(status_of_fork(goes_on_in_a_child, p) == 0);
    }
    atomic_store(&wrong, 1);
    for (unsigned i = 0; i < THREADS; i++)
        join_thread(threads[i]);
}

static const struct CMUnitTest tests[] = {
    FRESH(threads_that_fault_on_one_block_at_once_are_one_touch, TRAP_ALL),
    FRESH(two_hundred_threads, TRAP_ALL),
    FRESH(a_thread_that_blocks_all_signals_goes_on, TRAP_ALL),
    FRESH(a_child_has_a_trap_of_its_own, TRAP_ALL),
    FRESH(a_fork_while_other_threads_fault, TRAP_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
