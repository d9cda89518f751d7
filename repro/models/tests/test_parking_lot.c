/*
 * test_parking_lot.c - the table's growth, and the mutex between threads, on the ordinary
 * allocator. The sizes are those that parking_lot 0.12.1 was seen to allocate as one thread after
 * the other parked.
 */
#include "allocated.h"
#include "models/parking_lot.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { threads_most = 128, moment = 50 /* microseconds */ };

struct worker {
    pthread_t handle;
    struct parking_mutex *mutex;
    sem_t parked;
    sem_t *end;
    bool locked;
};

/* Parks once, then lives until told. */
static void *park_once(void *arg)
{
    struct worker *worker = arg;

    worker->locked = parking_mutex_lock_for(worker->mutex, moment);
    sem_post(&worker->parked);
    sem_wait(worker->end);
    return NULL;
}

/* The n-th thread that parks finds or makes a table of so many bytes. */
static void the_table_grows_with_the_threads(void **state)
{
    static const size_t first_with[][2] = {{1, 1024},  {6, 2048},   {11, 4096},
                                           {22, 8192}, {43, 16384}, {86, 32768}};
    static struct worker workers[threads_most];
    struct parking_mutex mutex = {0};
    size_t step = 0;
    sem_t end;

    (void)state;
    parking_lot_forget();
    sem_init(&end, 0, 0);
    parking_mutex_lock(&mutex);
    assert_int_equal(parking_lot_bucket_bytes(), 0);
    for (size_t n = 1; n <= threads_most; n++) {
        struct worker *worker = &workers[n - 1];
        struct zk_stats before = allocated_so_far();
        bool grows = step < 6 && first_with[step][0] == n;

        *worker = (struct worker){.mutex = &mutex, .end = &end};
        sem_init(&worker->parked, 0, 0);
        assert_int_equal(pthread_create(&worker->handle, NULL, park_once, worker), 0);
        sem_wait(&worker->parked);
        assert_false(worker->locked);
        assert_int_equal(mutex.state, 1); /* held, with no thread parked any more */
        step += grows;
        assert_int_equal(parking_lot_bucket_bytes(), first_with[step - 1][1]);
        assert_int_equal(allocated_since(&before).system_count, grows ? 2 : 0);
        assert_int_equal(allocated_since(&before).system_bytes,
                         grows ? first_with[step - 1][1] + PARKING_LOT_TABLE_BYTES : 0);
    }
    assert_int_equal(step, 6);
    for (size_t n = 0; n < threads_most; n++)
        sem_post(&end);
    for (size_t n = 0; n < threads_most; n++)
        pthread_join(workers[n].handle, NULL);
    parking_mutex_unlock(&mutex);
    assert_int_equal(mutex.state, 0);
    parking_lot_forget();
}

/* Threads that have ended do not count. */
static void ended_threads_do_not_count(void **state)
{
    struct parking_mutex mutex = {0};
    sem_t end;

    (void)state;
    parking_lot_forget();
    sem_init(&end, 0, 0);
    parking_mutex_lock(&mutex);
    for (unsigned n = 0; n < 20; n++) {
        struct worker worker = {.mutex = &mutex, .end = &end};

        sem_init(&worker.parked, 0, 0);
        assert_int_equal(pthread_create(&worker.handle, NULL, park_once, &worker), 0);
        sem_post(&end);
        pthread_join(worker.handle, NULL);
    }
    assert_int_equal(parking_lot_bucket_bytes(), 1024);
    parking_mutex_unlock(&mutex);
    parking_lot_forget();
}

static void without_contention_there_is_no_table(void **state)
{
    struct parking_mutex mutex = {0};

    (void)state;
    parking_lot_forget();
    for (unsigned i = 0; i < 10; i++) {
        parking_mutex_lock(&mutex);
        parking_mutex_unlock(&mutex);
        assert_true(parking_mutex_lock_for(&mutex, moment));
        parking_mutex_unlock(&mutex);
    }
    assert_int_equal(parking_lot_bucket_bytes(), 0);
}

enum { contenders = 12, each = 3000 };

static struct {
    struct parking_mutex mutex[2];
    unsigned long count[2];
    unsigned long given_up;
} contended;

/* Now and then keeps the mutex for a while, so that the others do park. */
static void *contend(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < each; i++) {
        unsigned which = i % 2;
        bool patient = i % 8 != 0;

        if (patient)
            parking_mutex_lock(&contended.mutex[which]);
        else if (!parking_mutex_lock_for(&contended.mutex[which], 1)) {
            __atomic_fetch_add(&contended.given_up, 1, __ATOMIC_SEQ_CST);
            continue;
        }
        contended.count[which]++;
        if (i % 64 < 2) {
            struct timespec pause = {.tv_nsec = 20000};

            nanosleep(&pause, NULL);
        }
        parking_mutex_unlock(&contended.mutex[which]);
    }
    return NULL;
}

/* No count is lost, no thread sleeps for ever, and the table grows meanwhile. */
static void one_thread_at_a_time_holds_a_mutex(void **state)
{
    pthread_t handles[contenders];

    (void)state;
    parking_lot_forget();
    memset(&contended, 0, sizeof contended);
    for (int i = 0; i < contenders; i++)
        assert_int_equal(pthread_create(&handles[i], NULL, contend, NULL), 0);
    for (int i = 0; i < contenders; i++)
        pthread_join(handles[i], NULL);
    assert_int_equal(contended.count[0] + contended.count[1] + contended.given_up,
                     (unsigned long)contenders * each);
    assert_int_equal(contended.mutex[0].state, 0);
    assert_int_equal(contended.mutex[1].state, 0);
    assert_true(parking_lot_bucket_bytes() >= 1024);
    parking_lot_forget();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_grows_with_the_threads),
        cmocka_unit_test(ended_threads_do_not_count),
        cmocka_unit_test(without_contention_there_is_no_table),
        cmocka_unit_test(one_thread_at_a_time_holds_a_mutex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
