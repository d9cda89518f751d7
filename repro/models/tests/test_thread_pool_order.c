/*
 * test_thread_pool_order.c - which worker takes which job, and when a sleeping one is woken.
 */
#include "pool_bodies.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

/* A tree of joins, all of which must run on one thread. */
struct tree {
    struct pool *pool;
    pthread_t thread;
    unsigned depth;
    _Atomic unsigned *strangers;
};

static void grow_tree(void *arg)
{
    const struct tree *tree = arg;
    struct tree a = *tree;
    struct tree b = *tree;

    if (!pthread_equal(tree->thread, pthread_self()))
        atomic_fetch_add(tree->strangers, 1);
    if (tree->depth == 0)
        return;
    a.depth--;
    b.depth--;
    pool_join(tree->pool, grow_tree, &a, grow_tree, &b);
}

struct forest {
    struct pool *pool;
    pthread_t first; /* worker 0 */
    _Atomic unsigned strangers;
    _Atomic bool done;
};

static void grow_forest(void *arg, size_t index)
{
    struct forest *forest = arg;
    struct tree tree = {
        .pool = forest->pool,
        .thread = pthread_self(),
        .depth = 9,
        .strangers = &forest->strangers,
    };

    if (index == 0)
        forest->first = pthread_self();
    grow_tree(&tree);
}

static void *call_worker_0(void *arg)
{
    struct forest *forest = arg;
    struct tree leaf = {.thread = forest->first, .strangers = &forest->strangers};

    while (!atomic_load(&forest->done))
        pool_install(forest->pool, grow_tree, &leaf);
    return NULL;
}

static void grow_forest_again(void *arg, size_t index)
{
    struct forest *forest = arg;
    struct forest other = {.pool = forest->pool};

    grow_forest(&other, index);
    atomic_fetch_add(&forest->strangers, atomic_load(&other.strangers));
}

static void ordered_workers_keep_to_themselves(void **state)
{
    struct forest forest = {.pool = pool_create_ordered(3)};
    pthread_t thread;

    (void)state;
    pool_broadcast(forest.pool, grow_forest, &forest);
    assert_int_equal(pthread_create(&thread, NULL, call_worker_0, &forest), 0);
    for (unsigned i = 0; i < 50; i++)
        pool_broadcast(forest.pool, grow_forest_again, &forest);
    atomic_store(&forest.done, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&forest.strangers), 0);
    pool_destroy(forest.pool);
}

/* a and b of one join, which depend on each other: b is stolen, and can end only after the worker
 * that waits for b has run a broadcast. */
struct meeting {
    struct pool *pool;
    _Atomic bool b_runs;
    _Atomic bool broadcast_soon;
    _Atomic bool broadcast_seen;
};

static void wait_for(_Atomic bool *flag)
{
    while (!atomic_load(flag))
        sched_yield();
}

static void meet_a(void *arg)
{
    struct meeting *meeting = arg;

    wait_for(&meeting->b_runs);
    atomic_store(&meeting->broadcast_soon, true);
    usleep(5000); /* so that the broadcast is there when this worker looks for b */
}

static void meet_b(void *arg)
{
    struct meeting *meeting = arg;

    atomic_store(&meeting->b_runs, true);
    wait_for(&meeting->broadcast_seen);
}

static void *meet(void *arg)
{
    struct meeting *meeting = arg;

    pool_join(meeting->pool, meet_a, meeting, meet_b, meeting);
    return NULL;
}

static void see_broadcast(void *arg, size_t index)
{
    struct meeting *meeting = arg;

    (void)index;
    atomic_store(&meeting->broadcast_seen, true);
}

static void a_push_wakes_and_a_waiter_works(void **state)
{
    struct pool *pool = pool_create(2);

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct meeting meeting = {.pool = pool};
        pthread_t thread = 0;

        pool_wait_idle(pool);
        assert_int_equal(pthread_create(&thread, NULL, meet, &meeting), 0);
        wait_for(&meeting.broadcast_soon);
        pool_broadcast(pool, see_broadcast, &meeting);
        pthread_join(thread, NULL);
    }
    pool_destroy(pool);
}

static void note_order(void *arg)
{
    struct meeting *meeting = arg;

    atomic_store(&meeting->b_runs, !atomic_load(&meeting->broadcast_seen));
}

static void let_broadcast_come(void *arg)
{
    struct meeting *meeting = arg;

    atomic_store(&meeting->broadcast_soon, true);
    usleep(5000);
}

static void *join_alone(void *arg)
{
    struct meeting *meeting = arg;

    pool_join(meeting->pool, let_broadcast_come, meeting, note_order, meeting);
    return NULL;
}

static void own_jobs_come_before_broadcasts(void **state)
{
    struct pool *pool = pool_create(1);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        struct meeting meeting = {.pool = pool};
        pthread_t thread = 0;

        assert_int_equal(pthread_create(&thread, NULL, join_alone, &meeting), 0);
        wait_for(&meeting.broadcast_soon);
        pool_broadcast(pool, see_broadcast, &meeting);
        pthread_join(thread, NULL);
        assert_true(atomic_load(&meeting.b_runs));
    }
    pool_destroy(pool);
}

/* Two callers make one call each per round, at varying intervals: often, one call comes just when
 * the worker has taken its last look after the other. If the worker misses it, the round never
 * ends. */
struct edge {
    struct pool *pool;
    pthread_barrier_t round;
    bool broadcast;
    _Atomic unsigned ran;
};

static void *call_at_the_edge(void *arg)
{
    struct edge *edge = arg;

    for (unsigned i = 0; i < EDGE_CALLS; i++) {
        pthread_barrier_wait(&edge->round);
        for (unsigned wait = 0; wait < i % 1000 * 8; wait++)
            atomic_load(&edge->ran);
        if (edge->broadcast)
            pool_broadcast(edge->pool, count_visit, (void *)&edge->ran);
        else
            pool_install(edge->pool, count, (void *)&edge->ran);
    }
    return NULL;
}

static void no_call_is_slept_through(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct edge edge = {
            .pool = kind < 2 ? pool_create_ordered(1) : pool_create(1),
            .broadcast = kind % 2 != 0,
        };
        pthread_t thread;

        pthread_barrier_init(&edge.round, NULL, 2);
        assert_int_equal(pthread_create(&thread, NULL, call_at_the_edge, &edge), 0);
        for (unsigned i = 0; i < EDGE_CALLS; i++) {
            pthread_barrier_wait(&edge.round);
            if (edge.broadcast)
                pool_broadcast(edge.pool, count_visit, (void *)&edge.ran);
            else
                pool_install(edge.pool, count, (void *)&edge.ran);
        }
        pthread_join(thread, NULL);
        assert_int_equal(atomic_load(&edge.ran), 2 * EDGE_CALLS);
        pthread_barrier_destroy(&edge.round);
        pool_destroy(edge.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordered_workers_keep_to_themselves),
        cmocka_unit_test(a_push_wakes_and_a_waiter_works),
        cmocka_unit_test(own_jobs_come_before_broadcasts),
        cmocka_unit_test(no_call_is_slept_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
