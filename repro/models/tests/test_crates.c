/*
 * test_crates.c - where the crates of 2026 differ from those of Debian 12 (crates.h), on the C
 * library's memory: in sizes, in what entering a span does, and in what a made-up identifier does.
 * Registries of spans are tested with both; the collector and the pools only with 2026's (Debian
 * 12's are in test_epoch.c and test_thread_pool_blocks.c).
 */
#include "models/crates.h"
#include "models/epoch.h"
#include "models/pool_worker.h"
#include "models/span_registry.h"
#include "models/thread_pool.h"
#include "zkalloc.h"

#include "allocated.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEQUE_BYTES = 1024 + 16 + 384, BUCKET_BYTES = 40, OTHER_THREADS = 7 };

static const struct span_metadata step = {"step", "test"};

/* ---- Spans ---- */

static struct span_registry *registry_of(enum crates crates)
{
    struct span_registry *registry;

    crates_choose(crates);
    registry = span_registry_create();
    assert_non_null(registry);
    return registry;
}

static void entering_held_a_reference(void **state)
{
    static const struct {
        enum crates crates;
        enum span_status close_inside; /* of the only handle, while the thread is in the span */
        enum span_status exit;
    } cases[] = {{CRATES_DEBIAN12, SPAN_OK, SPAN_CLOSED}, {CRATES_2026, SPAN_CLOSED, SPAN_OK}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span_registry *registry = registry_of(cases[i].crates);
        uint64_t id;

        assert_int_equal(span_registry_new_span(registry, &step, &id), SPAN_OK);
        assert_int_equal(span_registry_enter(registry, id), SPAN_OK);
        assert_int_equal(span_registry_close(registry, id), cases[i].close_inside);
        assert_int_equal(span_registry_exit(registry, id), cases[i].exit);
        assert_int_equal(span_registry_span_count(registry), 0);
        span_registry_destroy(registry);
    }
}

/* In 2026's crates, entering and leaving a span does not touch its slot, even if the slot is
 * somebody else's data by now. What fails is the clone that a child makes of it, and its own
 * close. */
static void a_recycled_slot_is_first_touched_by_a_child(void **state)
{
    struct span_registry *registry = registry_of(CRATES_2026);
    uint64_t gone;
    uint64_t child;

    (void)state;
    assert_int_equal(span_registry_new_span(registry, &step, &gone), SPAN_OK);
    assert_int_equal(span_registry_close(registry, gone), SPAN_CLOSED);
    assert_int_equal(span_registry_enter(registry, gone), SPAN_OK);
    assert_int_equal(span_registry_new_child(registry, &step, gone, &child),
                     SPAN_PANIC_CLONE_UNKNOWN);
    assert_int_equal(span_registry_exit(registry, gone), SPAN_OK);
    assert_int_equal(span_registry_close(registry, gone), SPAN_PANIC_DROP_UNKNOWN);
    span_registry_destroy(registry);

    registry = registry_of(CRATES_DEBIAN12);
    assert_int_equal(span_registry_new_span(registry, &step, &gone), SPAN_OK);
    assert_int_equal(span_registry_close(registry, gone), SPAN_CLOSED);
    assert_int_equal(span_registry_enter(registry, gone), SPAN_PANIC_CLONE_UNKNOWN);
    span_registry_destroy(registry);
}

/* A shard has 32 pages; an address that does not fit into the 37 lower bits is in the 33rd. */
static void the_page_behind_the_last_one(void **state)
{
    static const struct {
        enum crates crates;
        enum span_status data;
        enum span_status close;
    } cases[] = {{CRATES_DEBIAN12, SPAN_PANIC_INDEX, SPAN_PANIC_INDEX},
                 {CRATES_2026, SPAN_NOT_FOUND, SPAN_PANIC_DROP_UNKNOWN}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span_registry *registry = registry_of(cases[i].crates);
        const uint64_t first = 1 + ((uint64_t)1 << 37) - 32;
        const uint64_t last = 1 + ((uint64_t)1 << 38) - 33;
        uint64_t id;

        assert_int_equal(span_registry_new_span(registry, &step, &id), SPAN_OK);
        assert_int_equal(span_registry_data(registry, first - 1, NULL, NULL), SPAN_NOT_FOUND);
        assert_int_equal(span_registry_data(registry, first, NULL, NULL), cases[i].data);
        assert_int_equal(span_registry_close(registry, first), cases[i].close);
        assert_int_equal(span_registry_data(registry, last, NULL, NULL), cases[i].data);
        assert_int_equal(span_registry_data(registry, last + 1, NULL, NULL), SPAN_NOT_FOUND);
        assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
        span_registry_destroy(registry);
    }
}

static void an_extension_has_a_key_of_the_compilers(void **state)
{
    static const struct span_extension_type type = {.id = 7, .value_bytes = 8};
    static const struct {
        enum crates crates;
        size_t map_bytes; /* of 4 buckets */
    } cases[] = {{CRATES_DEBIAN12, 4 * (8 + 16) + 4 + 16}, {CRATES_2026, 4 * (16 + 16) + 4 + 16}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span_registry *registry = registry_of(cases[i].crates);
        const uint64_t value = 42;
        uint64_t found = 0;
        uint64_t id;

        assert_int_equal(span_registry_new_span(registry, &step, &id), SPAN_OK);
        assert_int_equal(span_registry_insert_extension(registry, id, &type, &value), SPAN_OK);
        assert_int_equal(span_registry_extension_bytes(registry, id), cases[i].map_bytes);
        assert_int_equal(span_registry_get_extension(registry, id, &type, &found), SPAN_OK);
        assert_int_equal(found, value);
        assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
        span_registry_destroy(registry);
    }
}

static void enter_once(struct span_registry *registry)
{
    uint64_t id;

    assert_int_equal(span_registry_new_span(registry, &step, &id), SPAN_OK);
    assert_int_equal(span_registry_enter(registry, id), SPAN_OK);
    assert_int_equal(span_registry_exit(registry, id), SPAN_OK);
    assert_int_equal(span_registry_close(registry, id), SPAN_CLOSED);
}

/* Threads that stay until all have entered a span, so that each has a number of its own. */
static struct {
    struct span_registry *registry;
    pthread_barrier_t all;
} shared;

static void *enter_on_thread(void *arg)
{
    (void)arg;
    enter_once(shared.registry);
    pthread_barrier_wait(&shared.all);
    return NULL;
}

/* Eight threads need all buckets of 1, 2, 4 and 8 entries: none is made with the registry, and none
 * is made twice. What else a thread allocates is its shard, page and stack. */
static void buckets_are_made_at_first_use(void **state)
{
    const size_t shard_and_page = 40 + 256 + 1280 + 3072;
    const size_t stack = 64;
    pthread_t threads[OTHER_THREADS];
    struct zk_stats before;

    (void)state;
    shared.registry = registry_of(CRATES_2026);
    zk_stats(&before);
    enter_once(shared.registry);
    assert_int_equal(allocated_since(&before).system_bytes, shard_and_page + BUCKET_BYTES + stack);

    assert_int_equal(pthread_barrier_init(&shared.all, NULL, OTHER_THREADS), 0);
    zk_stats(&before);
    for (size_t i = 0; i < OTHER_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, enter_on_thread, NULL), 0);
    for (size_t i = 0; i < OTHER_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(allocated_since(&before).system_bytes,
                    OTHER_THREADS * (shard_and_page + stack) + (2 + 4 + 8) * BUCKET_BYTES,
                    /* two threads that are the first in a bucket at the same time may both make
                     * it */
                    OTHER_THREADS * (shard_and_page + stack) + 7 * 8 * BUCKET_BYTES);
    pthread_barrier_destroy(&shared.all);
    span_registry_destroy(shared.registry);
}

/* ---- The collector and the pools: 2026's, from their first use in this process on ---- */

static void records_are_larger(void **state)
{
    struct zk_stats before;
    struct zk_stats more;

    (void)state;
    crates_choose(CRATES_2026);
    zk_stats(&before);
    epoch_pin();
    epoch_unpin();
    more = allocated_since(&before);
    assert_int_equal(more.system_count, 3);
    assert_int_equal(more.system_bytes, EPOCH_NODE_BYTES + EPOCH_GLOBAL_BYTES + 2304);
}

static size_t pool_bytes(size_t n)
{
    size_t room = n < 4 ? 4 : n;

    return room * 2 * (32 + 16) + 2 * n * DEQUE_BYTES + (48 + 128) * n + INJECTOR_BLOCK_BYTES + 640;
}

/* What is allocated for a worker's thread, and what the thread itself allocates before it
 * sleeps. */
enum { WORKER_BYTES = 48 + 144 + 24 + INJECTOR_BLOCK_BYTES + 2304 };

static void a_pool_allocates_what_the_crate_does(void **state)
{
    static const size_t sizes[] = {1, 4, 5, 17};

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
        assert_int_equal(more.system_bytes, pool_bytes(n) + n * WORKER_BYTES);
        pool_destroy(pool);
    }
}

static void count_one(void *arg)
{
    ++*(unsigned *)arg;
}

static void count_each(void *arg, size_t worker)
{
    unsigned *counts = arg;

    counts[worker]++;
}

static void install_on(void *arg)
{
    struct pool *pool = arg;
    unsigned ran = 0;

    pool_install(pool, count_one, &ran);
    assert_int_equal(ran, 1);
}

static void *install_from_outside(void *pool)
{
    install_on(pool);
    return NULL;
}

/* Worker 0 is the calling thread, for good. It costs its own record and its spawn queue's block,
 * but no packet, closure and start. */
static void a_pool_that_takes_in_its_maker(void **state)
{
    enum { n = 3 };
    unsigned counts[n] = {0};
    unsigned ran = 0;
    struct zk_stats before;
    struct zk_stats more;
    struct pool *pool;
    pthread_t outsider;

    (void)state;
    zk_stats(&before);
    pool = pool_create_with_caller(n);
    assert_non_null(pool);
    more = allocated_since(&before);
    assert_int_equal(more.system_bytes,
                     pool_bytes(n) + (n - 1) * WORKER_BYTES + 384 + INJECTOR_BLOCK_BYTES);
    pool_install(pool, count_one, &ran); /* a plain call: this thread is a worker */
    pool_join(pool, count_one, &ran, count_one, &ran);
    assert_int_equal(ran, 3);
    pool_broadcast(pool, count_each, counts);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(counts[i], 1);
    assert_int_equal(pthread_create(&outsider, NULL, install_from_outside, pool), 0);
    pthread_join(outsider, NULL);

    errno = 0;
    assert_null(pool_create_with_caller(n)); /* a thread is worker of one pool only, for good */
    assert_int_equal(errno, EBUSY);
    pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entering_held_a_reference),
        cmocka_unit_test(a_recycled_slot_is_first_touched_by_a_child),
        cmocka_unit_test(the_page_behind_the_last_one),
        cmocka_unit_test(an_extension_has_a_key_of_the_compilers),
        cmocka_unit_test(buckets_are_made_at_first_use),
        cmocka_unit_test(records_are_larger),
        cmocka_unit_test(a_pool_allocates_what_the_crate_does),
        cmocka_unit_test(a_pool_that_takes_in_its_maker), /* last: this thread stays a worker */
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
