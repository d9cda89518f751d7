/*
 * test_census_threads.c - blocks that several threads make and free, and the child of a fork.
 */
#include "retained_blocks.h"

#include "slab.h"

/* ---- Threads ---- */

static void *make_on_thread(void *arg)
{
    return make((size_t)(uintptr_t)arg);
}

static void threads_are_counted_and_not_told_apart(void)
{
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < 30; i++)
        run_thread(make_on_thread, (void *)(uintptr_t)(i % 3 == 0 ? 5000 : 50));
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "count") == 10 && number_in(&found, 1, "threads") == 10);
    CHECK(number_in(&found, 2, "count") == 20 && number_in(&found, 2, "threads") == 20);
}

static void a_free_on_another_thread_is_a_free(void)
{
    next_phase();
    run_thread(free_block, make(5000));
    run_thread(free_block, make(50));
    next_phase();
    CHECK(findings_now().count == 0);
}

static void many_threads_over_time(void)
{
    enum { MOST_ROUNDS = 50, AT_ONCE = 20 };
    const size_t chunks =
        12 * MIB / zk_chunk_bytes(); /* kept in each slab: so few that nothing is said of them */
    const size_t rounds = chunks < MOST_ROUNDS ? chunks : MOST_ROUNDS;
    struct findings found;
    pthread_t threads[AT_ONCE];

    for (size_t round = 0; round < rounds; round++) {
        next_phase();
        for (unsigned i = 0; i < AT_ONCE; i++)
            threads[i] = start_thread(make_on_thread, (void *)(uintptr_t)5000);
        for (unsigned i = 0; i < AT_ONCE; i++)
            join_thread(threads[i]);
    }
    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(number_in(&found, 1, "count") == rounds * AT_ONCE &&
          number_in(&found, 1, "threads") == rounds * AT_ONCE);
}

/* ---- Fork ---- */

static _Atomic bool stop;

static void *allocate_all_the_time(void *arg)
{
    uint64_t random = (uintptr_t)arg;

    while (!stop) {
        void *p = make(random_below(&random, 10000));

        zk_free(zk_realloc(p, random_below(&random, 10000) + 1));
    }
    return NULL;
}

static void goes_on_after_a_fork(void *arg)
{
    struct findings found;

    (void)arg;
    next_phase(); /* what the other threads held stays retained for ever */
    make_too(12345);
    next_phase();
    found = findings_now();
    CHECK(row_with(&found, "symbol", "make_too") != 0);
}

static void a_fork_in_the_middle_of_other_threads_allocations(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];

    if (SANITIZED && !THREAD_SANITIZED)
        skip_because("AddressSanitizer's malloc cannot be used after a fork beside threads");
    next_phase();
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start_thread(allocate_all_the_time, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < 50; i++) {
        CHECK(status_of_fork(goes_on_after_a_fork, NULL) == 0);
        next_phase();
    }
    stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    next_phase();
    CHECK(summary_now().retained_count == 0);
}

static const struct CMUnitTest tests[] = {
    FRESH(threads_are_counted_and_not_told_apart, CENSUS_ALL),
    FRESH(a_free_on_another_thread_is_a_free, .env = {CENSUS}),
    FRESH(many_threads_over_time, CENSUS_ALL),
    FRESH(a_fork_in_the_middle_of_other_threads_allocations, .env = {CENSUS, SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
