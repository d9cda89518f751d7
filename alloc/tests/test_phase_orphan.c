/*
 * test_phase_orphan.c - phases whose thread has ended without ending them.
 */
#include "phase_bodies.h"

static void a_phase_whose_thread_has_ended_is_an_orphan_for_the_next_begin(void)
{
    char *p;

    run_thread(begin_and_leave, NULL);
    p = arena_block(100); /* until then it is active */
    CHECK(stats_now().orphans == 0);
    begin_phase();
    CHECK(stats_now().orphans == 1 && stats_now().phases == 2);
    CHECK(arena_block(100) == slab_start_of(p));
    end_phase();
    CHECK(!is_active());
}

/* The second thread is likely to get the first one's stack, and with it the address of its record.
 */
static void the_next_begin_may_be_another_threads(void)
{
    run_thread(begin_and_leave, NULL);
    run_thread(begin_and_leave, NULL);
    run_thread(begin_and_end, NULL);
    CHECK(stats_now().orphans == 2 && stats_now().phases == 3);
    CHECK(!is_active());
}

static void a_recycling_begin_needs_no_end_of_a_thread_that_has_ended(void)
{
    run_thread(begin_and_leave, NULL);
    begin_phase();
    CHECK(is_active());
    CHECK(stats_now().orphans == 0 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active());
}

static void *begin_first_and_end_first(void *arg)
{
    struct visit *visit = arg;

    begin_phase();
    pthread_barrier_wait(&visit->step); /* the main thread begins, too */
    pthread_barrier_wait(&visit->step);
    end_phase();
    return NULL;
}

/* The thread has ended what it began. The other begin still counts. */
static void a_thread_that_has_ended_its_counted_begin_leaves_no_orphan(void)
{
    struct visit visit;
    pthread_t thread;
    char *p;

    CHECK(pthread_barrier_init(&visit.step, NULL, 2) == 0);
    thread = start_thread(begin_first_and_end_first, &visit);
    pthread_barrier_wait(&visit.step);
    begin_phase();
    pthread_barrier_wait(&visit.step);
    join_thread(thread);

    p = arena_block(1000);
    begin_phase(); /* a nested one */
    CHECK(stats_now().orphans == 0 && stats_now().phases == 1);
    CHECK((char *)arena_block(1000) == p + granules(1000));
    end_phase();
    end_phase();
    CHECK(!is_active());
}

static const struct CMUnitTest tests[] = {
    FRESH(a_phase_whose_thread_has_ended_is_an_orphan_for_the_next_begin, .env = {ARENA},
          .says = {"zkalloc: ", "thread"}),
    FRESH_AS("a phase whose thread has ended is an orphan, under owner=any",
             a_phase_whose_thread_has_ended_is_an_orphan_for_the_next_begin, .env = {ARENA, ANY},
             .says = {"zkalloc: ", "thread"}),
    FRESH_AS("a phase whose thread has ended is an orphan, under nesting=count",
             a_phase_whose_thread_has_ended_is_an_orphan_for_the_next_begin, .env = {ARENA, COUNT},
             .says = {"zkalloc: ", "thread"}),
    FRESH(the_next_begin_may_be_another_threads, .env = {ARENA}, .says = {"zkalloc: "}),
    FRESH(a_recycling_begin_needs_no_end_of_a_thread_that_has_ended, .env = {ARENA, RECYCLE}),
    FRESH_AS("a recycling begin needs no end of a thread that has ended, under owner=any",
             a_recycling_begin_needs_no_end_of_a_thread_that_has_ended,
             .env = {ARENA, RECYCLE, ANY}),
    FRESH(a_thread_that_has_ended_its_counted_begin_leaves_no_orphan, .env = {ARENA, COUNT, ANY}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
