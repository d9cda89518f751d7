/*
 * test_thread_pool_blocks.c - what the pool allocates and when, on the C library's memory (no phase begins).
 */
#include "pool_bodies.h"

#include "models/epoch.h"

#include "allocated.h"

#include <sched.h>
#include <stdbool.h>

enum { DEQUE_BYTES = 1024 + 16 + 384, BLOCK_BYTES = 1520 };

static size_t room(size_t threads)
{
    return threads < 4 ? 4 : threads;
}

static void creation_allocates_what_the_crate_does(void **state)
{
    static const size_t sizes[] = {1, 2, 4, 5, 8};
    bool first = true; /* first pool of this process */

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
    install_descent(pool, 70); /* grows to 128, shrinks to 64 */
    assert_int_equal(allocated_since(&before).system_count, 2 * 3);
    assert_int_equal(allocated_since(&before).system_bytes,
                     2048 + 1024 + 2 * (16 + EPOCH_NODE_BYTES));

    zk_stats(&before);
    install_descent(pool, 300); /* grows to 512, shrinks to 64 */
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

/* The number of calls from outside until a worker's collection runs what this thread has
 * deferred. */
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

/* A woken worker looks for work twice: it finds the job, then nothing, and sleeps. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_allocates_what_the_crate_does), /* must be first */
        cmocka_unit_test(the_63rd_call_from_outside_allocates_a_block),
        cmocka_unit_test(depth_decides_growth),
        cmocka_unit_test(ordered_pools_repeat_themselves),
        cmocka_unit_test(ordered_pools_pin_twice_a_call),
        cmocka_unit_test(idle_pools_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
