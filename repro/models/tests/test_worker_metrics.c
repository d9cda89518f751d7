/*
 * test_worker_metrics.c - the model of a runtime's counters: its sizes, and which counts are
 * visible when, on the ordinary allocator.
 */
#include "allocated.h"
#include "models/worker_metrics.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void one_block_of_128_bytes_a_worker(void **state)
{
    (void)state;
    for (size_t workers = 1; workers <= 64; workers++) {
        struct zk_stats before = allocated_so_far();
        struct worker_metrics *metrics = worker_metrics_create(workers);

        assert_non_null(metrics);
        assert_int_equal((uintptr_t)metrics % 128, 0);
        assert_int_equal(allocated_since(&before).system_count, 1);
        assert_int_equal(allocated_since(&before).system_bytes, 128 * workers);
        worker_metrics_destroy(metrics);
    }
}

static void a_batch_is_stored_by_a_park(void **state)
{
    struct worker_metrics *metrics = worker_metrics_create(2);
    struct worker_batch batch = {0};

    (void)state;
    worker_batch_busy(&batch, 300);
    assert_int_equal(worker_metrics_busy_nanoseconds(metrics, 1), 0);
    worker_batch_park(&batch, metrics, 1);
    assert_int_equal(worker_metrics_busy_nanoseconds(metrics, 1), 300);
    assert_int_equal(worker_metrics_park_count(metrics, 1), 1);
    assert_int_equal(worker_metrics_park_unpark_count(metrics, 1), 1);
    worker_batch_unparked(&batch);
    assert_int_equal(worker_metrics_park_unpark_count(metrics, 1), 1); /* at the next park */
    worker_batch_park(&batch, metrics, 1);
    assert_int_equal(worker_metrics_park_count(metrics, 1), 2);
    assert_int_equal(worker_metrics_park_unpark_count(metrics, 1), 3);
    assert_int_equal(worker_metrics_park_count(metrics, 0), 0);
    worker_metrics_destroy(metrics);
}

static void a_worker_says_which_thread_it_is(void **state)
{
    struct worker_metrics *metrics = worker_metrics_create(2);

    (void)state;
    assert_int_equal(worker_metrics_thread(metrics, 0), 0);
    worker_metrics_set_thread(metrics, 0, 17);
    assert_int_equal(worker_metrics_thread(metrics, 0), 17);
    assert_int_equal(worker_metrics_thread(metrics, 1), 0);
    worker_metrics_destroy(metrics);
}

enum { workers = 4, parks = 20000 };

static struct worker_metrics *shared;

static void *work(void *arg)
{
    struct worker_batch batch = {0};
    size_t worker = (size_t)(uintptr_t)arg;

    worker_metrics_set_thread(shared, worker, worker + 1);
    for (unsigned i = 0; i < parks; i++) {
        worker_batch_busy(&batch, worker);
        worker_batch_park(&batch, shared, worker);
        worker_batch_unparked(&batch);
    }
    return NULL;
}

static void each_worker_has_its_own_record(void **state)
{
    pthread_t handles[workers];

    (void)state;
    shared = worker_metrics_create(workers);
    for (size_t i = 0; i < workers; i++)
        assert_int_equal(pthread_create(&handles[i], NULL, work, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < workers; i++)
        (void)worker_metrics_park_count(shared, i); /* read while it is written */
    for (size_t i = 0; i < workers; i++)
        pthread_join(handles[i], NULL);
    for (size_t i = 0; i < workers; i++) {
        assert_int_equal(worker_metrics_park_count(shared, i), parks);
        assert_int_equal(worker_metrics_park_unpark_count(shared, i), 2 * parks - 1);
        assert_int_equal(worker_metrics_busy_nanoseconds(shared, i), i * parks);
        assert_int_equal(worker_metrics_thread(shared, i), i + 1);
    }
    worker_metrics_destroy(shared);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_null(worker_metrics_create(SIZE_MAX / 64));
    assert_int_equal(errno, ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_block_of_128_bytes_a_worker),
        cmocka_unit_test(a_batch_is_stored_by_a_park),
        cmocka_unit_test(a_worker_says_which_thread_it_is),
        cmocka_unit_test(each_worker_has_its_own_record),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
