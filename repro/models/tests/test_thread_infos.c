/*
 * test_thread_infos.c - the table of threads as threads come and go, on the ordinary allocator.
 */
#include "allocated.h"
#include "models/thread_infos.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { threads = 64 };

static struct {
    sem_t entered;
    sem_t end;
    _Atomic unsigned wrong;
} shared;

static void *live(void *arg)
{
    uintptr_t guard = 4096 * ((uintptr_t)arg + 1);

    thread_info_set(guard, guard + 4096);
    sem_post(&shared.entered);
    sem_wait(&shared.end);
    if (!thread_info_is_guard(guard) || thread_info_is_guard(guard - 1) ||
        thread_info_is_guard(guard + 4096))
        shared.wrong++;
    thread_info_delete();
    if (thread_info_is_guard(guard))
        shared.wrong++;
    return NULL;
}

/* The threads enter one after the other (the first thread is already in the table), and leave all
 * at once. */
static void the_twelfth_thread_makes_large_nodes(void **state)
{
    pthread_t handles[threads];

    (void)state;
    sem_init(&shared.entered, 0, 0);
    sem_init(&shared.end, 0, 0);
    thread_info_set(1, 2);
    for (uintptr_t i = 0; i < threads; i++) {
        struct zk_stats before = allocated_so_far();

        assert_int_equal(pthread_create(&handles[i], NULL, live, (void *)i), 0);
        sem_wait(&shared.entered);
        assert_int_equal(thread_info_count(), i + 2);
        if (i + 2 <= 12)
            assert_int_equal(allocated_since(&before).system_bytes, i + 2 == 12 ? 544 + 640 : 0);
    }
    for (int i = 0; i < threads; i++)
        sem_post(&shared.end);
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    assert_int_equal(shared.wrong, 0);
    assert_int_equal(thread_info_count(), 1);
    assert_true(thread_info_is_guard(1));
    thread_info_forget();
    assert_int_equal(thread_info_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twelfth_thread_makes_large_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
