/*
 * test_thread_pool_ends.c - pools that cannot be created, and that a pool leaves nothing behind
 * when it ends.
 */
#include "pool_bodies.h"

#include "allocated.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* Which of the next calls of pthread_create fails; 0 for none. */
static unsigned create_fails_in;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (create_fails_in > 0 && --create_fails_in == 0)
        return EAGAIN;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attr, run, arg);
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

/* A worker that ends a call made by another pool's worker may be the last to touch that other
 * pool. */
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
    assert_true(bytes_in_use() < before + 200000); /* a hundred pools have 4 MB */
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
    for (unsigned nth = 1; nth <= 4; nth++) { /* LeakSanitizer reports what is left */
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
        cmocka_unit_test(pools_end_while_others_look),
        cmocka_unit_test(a_hundred_pools_leave_nothing),
        cmocka_unit_test(no_pool_of_no_threads_or_too_many),
        cmocka_unit_test(a_thread_that_cannot_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
