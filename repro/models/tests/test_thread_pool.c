/*
 * test_thread_pool.c - the pool on the C library's memory (no phase begins): what it allocates and
 * when, that joins, installs and broadcasts do what they say from inside and outside, and that
 * nothing leaks.
 */
#include "models/epoch.h"
#include "models/thread_pool.h"
#include "zkalloc.h"

#include "allocated.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALLERS = 4, CALLS = 1000, EDGE_CALLS = 10000, MOST_WORKERS = 8, STEPS = 150 };

enum { DEQUE_BYTES = 1024 + 16 + 384, BLOCK_BYTES = 1520 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc has it, and no header for it */
#endif

/* Bytes that the C library has given out and not got back. */
static size_t bytes_in_use(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

/* Which call from now on fails; 0 for none. */
static unsigned create_fails_in;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (create_fails_in > 0 && --create_fails_in == 0)
        return EAGAIN;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attr, run, arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void count(void *arg)
{
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

/* n nested joins, whose second halves do nothing. */
struct descent {
    struct pool *pool;
    unsigned n;
};

static void descend(void *arg)
{
    const struct descent *here = arg;
    struct descent below = {.pool = here->pool, .n = here->n - 1};

    if (here->n > 0)
        pool_join(here->pool, descend, &below, nothing, NULL);
}

static void install_descent(struct pool *pool, unsigned n)
{
    struct descent descent = {.pool = pool, .n = n};

    pool_install(pool, descend, &descent);
}

struct fibonacci {
    struct pool *pool;
    unsigned n;
    unsigned value;
};

static void fibonacci(void *arg)
{
    struct fibonacci *f = arg;
    struct fibonacci a = {.pool = f->pool, .n = f->n - 1};
    struct fibonacci b = {.pool = f->pool, .n = f->n - 2};

    if (f->n < 2) {
        f->value = f->n;
        return;
    }
    pool_join(f->pool, fibonacci, &a, fibonacci, &b);
    f->value = a.value + b.value;
}

static size_t room(size_t threads)
{
    return threads < 4 ? 4 : threads;
}

static void creation_allocates_what_the_crate_does(void **state)
{
    static const size_t sizes[] = {1, 2, 4, 5, 8};
    bool first = true; /* in this process */

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        struct zk_stats before;
        struct zk_stats more;
        struct pool *pool;

        zk_stats(&before);
        pool = pool_create_ordered(n);
        assert_non_null(pool);
        more = allocated_since(&before);
        assert_int_equal(pool_threads(pool), n);
        assert_int_equal(more.system_count, 4 + 6 * n + 4 + 3 * n + 2 * n + (first ? 2 : 0));
        assert_int_equal(more.system_bytes,
                         room(n) * 2 * (32 + 16) + 2 * n * DEQUE_BYTES + (56 + 128) * n +
                             BLOCK_BYTES + 640 + (48 + 144 + 24) * n +
                             (BLOCK_BYTES + EPOCH_LOCAL_BYTES) * n +
                             (first ? EPOCH_NODE_BYTES + EPOCH_GLOBAL_BYTES : 0));
        first = false;
        pool_destroy(pool);
    }
}

static void the_63rd_call_from_outside_allocates_a_block(void **state)
{
    struct pool *pool = pool_create_ordered(3);

    (void)state;
    for (unsigned call = 1; call <= 200; call++) {
        struct zk_stats before;
        _Atomic unsigned ran = 0;

        zk_stats(&before);
        if (call % 2 == 0)
            pool_install(pool, count, (void *)&ran);
        else
            pool_join(pool, count, (void *)&ran, count, (void *)&ran);
        assert_int_equal(ran, call % 2 == 0 ? 1 : 2);
        assert_int_equal(allocated_since(&before).system_bytes, call % 63 == 0 ? BLOCK_BYTES : 0);
    }
    pool_destroy(pool);
}

static void depth_decides_growth(void **state)
{
    struct pool *pool = pool_create_ordered(1);
    struct zk_stats before;

    (void)state;
    zk_stats(&before);
    install_descent(pool, 64);
    assert_int_equal(allocated_since(&before).system_count, 0);

    zk_stats(&before);
    install_descent(pool, 70); /* to 128, and back to 64 */
    assert_int_equal(allocated_since(&before).system_count, 2 * 3);
    assert_int_equal(allocated_since(&before).system_bytes,
                     2048 + 1024 + 2 * (16 + EPOCH_NODE_BYTES));

    zk_stats(&before);
    install_descent(pool, 300); /* to 512, and back to 64 */
    assert_int_equal(allocated_since(&before).system_count, 6 * 3);
    assert_int_equal(allocated_since(&before).system_bytes,
                     2048 + 4096 + 8192 + 4096 + 2048 + 1024 + 6 * (16 + EPOCH_NODE_BYTES));
    pool_destroy(pool);
}

/* What each of STEPS calls allocates in a new ordered pool. */
static void trace_ordered(size_t threads, uint64_t trace[STEPS])
{
    struct pool *pool = pool_create_ordered(threads);

    for (unsigned step = 0; step < STEPS; step++) {
        struct fibonacci f = {.pool = pool, .n = 10};
        struct zk_stats before;

        zk_stats(&before);
        if (step % 3 == 0)
            install_descent(pool, step * 5);
        else
            pool_install(pool, fibonacci, &f);
        trace[step] = allocated_since(&before).system_bytes;
    }
    pool_destroy(pool);
}

static void ordered_pools_repeat_themselves(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads++) {
        uint64_t one[STEPS];
        uint64_t other[STEPS];

        trace_ordered(threads, one);
        trace_ordered(threads, other);
        assert_memory_equal(one, other, sizeof one);
    }
}

static _Atomic unsigned calls;

static void count_call(uintptr_t *words)
{
    (void)words;
    atomic_fetch_add(&calls, 1);
}

/* Calls from outside until a worker's collection runs what this thread has deferred. */
static unsigned installs_until_collected(struct pool *pool)
{
    unsigned installs = 0;

    atomic_store(&calls, 0);
    epoch_pin();
    epoch_defer(count_call, 0, 0, 0);
    epoch_flush();
    epoch_unpin();
    while (atomic_load(&calls) == 0) {
        pool_install(pool, nothing, NULL);
        installs++;
    }
    return installs;
}

/* A worker that is woken looks twice: it finds the job, and then nothing, and sleeps. */
static void ordered_pools_pin_twice_a_call(void **state)
{
    struct pool *pool = pool_create_ordered(2);

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        installs_until_collected(pool);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(installs_until_collected(pool), EPOCH_PINS_PER_COLLECT / 2);
    pool_destroy(pool);
}

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

/* a and b of one join, which meet: b is stolen, and can end only after a broadcast has been run by
 * the worker that waits for b. */
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
    usleep(5000); /* so that it is there when this worker looks for b */
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

static void count_visit(void *arg, size_t index)
{
    (void)index;
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

/* Two callers, each with one call a round, at all distances in time: the one's call is often made
 * at the moment when the worker has had its last look after the other's. If the worker does not
 * hear of it, the round never ends. */
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

static void a_moment(void *arg)
{
    (void)arg;
    usleep(200);
}

static void wait_there(void *arg)
{
    pool_install(arg, a_moment, NULL);
}

/* The worker that ends a call from another pool's worker may be the last to touch that pool. */
static void pools_end_while_others_look(void **state)
{
    struct pool *there = pool_create(1);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct pool *here = pool_create(1);

        pool_install(here, wait_there, there);
        pool_destroy(here);
    }
    pool_destroy(there);
}

/* Signals break waits in the kernel; they must not end a call. */
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

/* Broadcasts to pool, from a worker of by or from here, and checks who came. */
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

/* From one pool to the other and back, n times. */
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

static void a_hundred_pools_leave_nothing(void **state)
{
    size_t before = 0;

    (void)state;
    for (unsigned i = 0; i < 120; i++) {
        struct pool *pool = i % 2 == 0 ? pool_create(4) : pool_create_ordered(4);
        struct fibonacci f = {.pool = pool, .n = 8};

        if (i == 20)
            before = bytes_in_use();
        if (i % 3 != 0)
            pool_install(pool, fibonacci, &f);
        pool_destroy(pool);
    }
    assert_true(bytes_in_use() < before + 200000); /* a hundred of them are 4 MB */
}

static void idle_pools_allocate_nothing(void **state)
{
    struct pool *pool = pool_create(4);
    struct fibonacci f = {.pool = pool, .n = 18};
    struct zk_stats before;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        pool_install(pool, fibonacci, &f);
        pool_wait_idle(pool);
        zk_stats(&before);
        sched_yield();
        assert_int_equal(allocated_since(&before).system_count, 0);
    }
    pool_destroy(pool);
}

static void no_pool_of_no_threads_or_too_many(void **state)
{
    (void)state;
    errno = 0;
    assert_null(pool_create(0));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(pool_create_ordered(0));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(pool_create(POOL_THREADS_MAX + 1));
    assert_int_equal(errno, EINVAL);
}

static void a_thread_that_cannot_start(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= 4; nth++) { /* the leak sanitizer says if something is left */
        errno = 0;
        create_fails_in = nth;
        assert_null(nth % 2 == 0 ? pool_create(4) : pool_create_ordered(4));
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(create_fails_in, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_allocates_what_the_crate_does), /* first */
        cmocka_unit_test(the_63rd_call_from_outside_allocates_a_block),
        cmocka_unit_test(depth_decides_growth),
        cmocka_unit_test(ordered_pools_repeat_themselves),
        cmocka_unit_test(ordered_pools_pin_twice_a_call),
        cmocka_unit_test(ordered_workers_keep_to_themselves),
        cmocka_unit_test(a_push_wakes_and_a_waiter_works),
        cmocka_unit_test(own_jobs_come_before_broadcasts),
        cmocka_unit_test(no_call_is_slept_through),
        cmocka_unit_test(many_broadcasters),
        cmocka_unit_test(pools_end_while_others_look),
        cmocka_unit_test(signals_do_not_end_a_call),
        cmocka_unit_test(joins_nest),
        cmocka_unit_test(many_callers_from_outside),
        cmocka_unit_test(broadcast_runs_once_on_each_worker),
        cmocka_unit_test(workers_call_other_pools),
        cmocka_unit_test(a_hundred_pools_leave_nothing),
        cmocka_unit_test(idle_pools_allocate_nothing),
        cmocka_unit_test(no_pool_of_no_threads_or_too_many),
        cmocka_unit_test(a_thread_that_cannot_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
