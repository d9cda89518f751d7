/*
 * test_thread_pool_calls.c - joins, installs and broadcasts do what they say, from inside and outside.
 */
#include "pool_bodies.h"

#include "allocated.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

struct broadcaster {
    struct pool *pool;
    _Atomic unsigned visits;
};

static void *broadcast_often(void *arg)
{
    struct broadcaster *broadcaster = arg;

    for (unsigned i = 0; i < CALLS / 2; i++)
        pool_broadcast(broadcaster->pool, count_visit, (void *)&broadcaster->visits);
    return NULL;
}

static void many_broadcasters(void **state)
{
    struct broadcaster broadcaster = {.pool = pool_create(2)};
    pthread_t threads[CALLERS];

    (void)state;
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, broadcast_often, &broadcaster), 0);
    for (unsigned i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&broadcaster.visits), CALLERS * (CALLS / 2) * 2);
    pool_destroy(broadcaster.pool);
}

/* Signals interrupt waits in the kernel; they must not end a call. */
struct pest {
    pthread_t victim;
    _Atomic bool done;
};

static void on_signal(int number)
{
    (void)number;
}

static void *send_signals(void *arg)
{
    struct pest *pest = arg;

    while (!atomic_load(&pest->done)) {
        pthread_kill(pest->victim, SIGUSR1);
        usleep(200);
    }
    return NULL;
}

static void take_a_while(void *arg)
{
    usleep(1500);
    atomic_store((_Atomic bool *)arg, true);
}

static void signals_do_not_end_a_call(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct pest pest = {.victim = pthread_self()};
    struct pool *pool = pool_create(1);
    pthread_t thread;

    (void)state;
    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(pthread_create(&thread, NULL, send_signals, &pest), 0);
    for (unsigned i = 0; i < 30; i++) {
        _Atomic bool ran = false;

        pool_install(pool, take_a_while, (void *)&ran);
        assert_true(atomic_load(&ran));
    }
    atomic_store(&pest.done, true);
    pthread_join(thread, NULL);
    pool_destroy(pool);
}

static void joins_nest(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= MOST_WORKERS; threads *= 2) {
        struct pool *pool = pool_create(threads);
        struct fibonacci f = {.pool = pool, .n = 20};

        pool_install(pool, fibonacci, &f);
        assert_int_equal(f.value, 6765);
        f.n = 15;
        fibonacci(&f); /* its first join comes from outside */
        assert_int_equal(f.value, 610);
        install_descent(pool, 1000);
        pool_destroy(pool);
    }
}

struct caller {
    struct pool *pool;
    bool right;
};

static void *call_often(void *arg)
{
    struct caller *caller = arg;

    caller->right = true;
    for (unsigned i = 0; i < CALLS; i++) {
        struct fibonacci a = {.pool = caller->pool, .n = 7};
        struct fibonacci b = {.pool = caller->pool, .n = 8};

        pool_join(caller->pool, fibonacci, &a, fibonacci, &b);
        if (a.value != 13 || b.value != 21)
            caller->right = false;
    }
    return NULL;
}

static void many_callers_from_outside(void **state)
{
    (void)state;
    for (unsigned ordered = 0; ordered < 2; ordered++) {
        struct pool *pool = ordered ? pool_create_ordered(2) : pool_create(2);
        struct caller callers[CALLERS];
        pthread_t threads[CALLERS];

        for (unsigned i = 0; i < CALLERS; i++) {
            callers[i].pool = pool;
            assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
        }
        for (unsigned i = 0; i < CALLERS; i++) {
            pthread_join(threads[i], NULL);
            assert_true(callers[i].right);
        }
        pool_destroy(pool);
    }
}

struct visits {
    struct pool *pool;
    pthread_t threads[MOST_WORKERS];
    unsigned times[MOST_WORKERS];
    unsigned values[MOST_WORKERS];
};

/* Each worker writes at its own index only. */
static void visit(void *arg, size_t index)
{
    struct visits *visits = arg;
    struct fibonacci f = {.pool = visits->pool, .n = 6};

    fibonacci(&f);
    visits->values[index] = f.value;
    visits->threads[index] = pthread_self();
    visits->times[index]++;
}

static void broadcast_visits(void *arg)
{
    struct visits *visits = arg;

    pool_broadcast(visits->pool, visit, visits);
}

/* Broadcasts to pool, from a worker of by or from this thread, and checks that every worker ran
 * it. */
static void check_broadcast(struct pool *pool, struct pool *by)
{
    struct visits visits = {.pool = pool};
    size_t threads = pool_threads(pool);

    if (by != NULL)
        pool_install(by, broadcast_visits, &visits);
    else
        broadcast_visits(&visits);
    for (size_t i = 0; i < threads; i++) {
        assert_int_equal(visits.times[i], 1);
        assert_int_equal(visits.values[i], 8);
        for (size_t j = 0; j < i; j++)
            assert_false(pthread_equal(visits.threads[i], visits.threads[j]));
    }
}

static void broadcast_runs_once_on_each_worker(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= MOST_WORKERS; threads++) {
        bool ordered = threads % 2 == 0;
        struct pool *pool = ordered ? pool_create_ordered(threads) : pool_create(threads);
        struct zk_stats before;

        for (unsigned i = 0; i < 50; i++) {
            check_broadcast(pool, NULL);
            check_broadcast(pool, pool);
        }
        zk_stats(&before);
        check_broadcast(pool, NULL);
        if (ordered) {
            assert_int_equal(allocated_since(&before).system_count, 1);
            assert_int_equal(allocated_since(&before).system_bytes, 40 * threads);
        }
        pool_destroy(pool);
    }
}

struct two_pools {
    struct pool *here;
    struct pool *there;
    unsigned n;
    _Atomic unsigned visits;
};

/* Calls from one pool into the other and back, n times. */
static void cross(void *arg)
{
    struct two_pools *two = arg;
    struct two_pools back = {.here = two->there, .there = two->here, .n = two->n - 1};

    if (two->n > 0)
        pool_join(two->there, cross, &back, count, (void *)&back.visits);
    atomic_fetch_add(&two->visits, atomic_load(&back.visits) + 1);
}

static void workers_call_other_pools(void **state)
{
    struct two_pools two = {.here = pool_create(2), .there = pool_create(2), .n = 6};

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        atomic_store(&two.visits, 0);
        pool_install(two.here, cross, &two);
        assert_int_equal(atomic_load(&two.visits), 1 + 2 * 6);
        check_broadcast(two.there, two.here);
    }
    pool_destroy(two.here);
    pool_destroy(two.there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_broadcasters),
        cmocka_unit_test(signals_do_not_end_a_call),
        cmocka_unit_test(joins_nest),
        cmocka_unit_test(many_callers_from_outside),
        cmocka_unit_test(broadcast_runs_once_on_each_worker),
        cmocka_unit_test(workers_call_other_pools),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
