/*
 * test_phase_begin.c - begin and end: nesting, and which thread may call them.
 */
#include "phase_bodies.h"

/* ---- Begin and end ---- */

static void an_end_without_a_begin_is_einval(void)
{
    end_fails_with(EINVAL);
    begin_phase();
    end_phase();
    end_fails_with(EINVAL);
    end_fails_with(EINVAL);
    begin_phase();
    CHECK(is_active());
}

static void phases_follow_each_other(void)
{
    for (unsigned phase = 1; phase <= 10000; phase++) {
        begin_phase();
        arena_block(100);
        end_phase();
        system_block(100);
        CHECK(stats_now().phases == phase);
    }
}

/* A block from before the refused begin keeps its bytes, and later ones lie after it. */
static void a_second_begin_is_refused_and_changes_nothing(void)
{
    char *p;

    begin_phase();
    p = arena_block(1000);
    begin_fails_with(EBUSY);
    CHECK((char *)arena_block(1000) == p + granules(1000));
    CHECK(stats_now().phases == 1);
    end_phase();
    CHECK(!is_active());
    end_fails_with(EINVAL);
}

static void counted_begins_end_with_the_last_end(void)
{
    char *p;

    for (unsigned phase = 1; phase <= 3; phase++) {
        begin_phase();
        p = arena_block(1000);
        begin_phase();
        CHECK((char *)arena_block(1000) == p + granules(1000));
        begin_phase();
        end_phase();
        CHECK(is_active());
        end_phase();
        CHECK(is_active());
        CHECK(stats_now().phases == phase);
        end_phase();
        CHECK(!is_active());
        end_fails_with(EINVAL);
    }
}

static void a_recycling_begin_rewinds_and_one_end_ends(void)
{
    char *p;

    begin_phase();
    p = arena_block(1000);
    arena_block(1000);
    begin_phase();
    CHECK(stats_now().phases == 2 && stats_now().retained_count == 2);
    CHECK(arena_block(1000) == p);
    begin_phase();
    CHECK(arena_block(1000) == p);
    end_phase();
    CHECK(!is_active());
    end_fails_with(EINVAL);
}

/* ---- Who may ---- */

static void *foreign_begin_is_eperm(void *arg)
{
    (void)arg;
    begin_fails_with(EPERM);
    return NULL;
}

static void *foreign_end_is_einval(void *arg)
{
    (void)arg;
    end_fails_with(EINVAL);
    return NULL;
}

static void only_the_owner_begins_and_ends(void)
{
    char *p;

    begin_phase();
    p = arena_block(1000);
    run_thread(foreign_begin_is_eperm, NULL);
    run_thread(foreign_end_is_eperm, NULL);
    CHECK((char *)arena_block(1000) == p + granules(1000));
    CHECK(stats_now().phases == 1 && stats_now().orphans == 0);
    end_phase();
    run_thread(foreign_end_is_einval, NULL);
    run_thread(begin_and_end, NULL);
    begin_phase();
    end_phase();
    CHECK(stats_now().phases == 3);
}

static void *foreign_begin_is_ebusy(void *arg)
{
    (void)arg;
    begin_fails_with(EBUSY);
    return NULL;
}

static void *foreign_begin(void *arg)
{
    (void)arg;
    begin_phase();
    return NULL;
}

static void *foreign_end(void *arg)
{
    (void)arg;
    end_phase();
    return NULL;
}

static void any_thread_may_end(void)
{
    begin_phase();
    arena_block(100);
    run_thread(foreign_begin_is_ebusy, NULL);
    run_thread(foreign_end, NULL);
    system_block(100);
    end_fails_with(EINVAL);
    begin_phase();
    CHECK(stats_now().orphans == 0);
}

static void any_thread_may_begin_a_counted_phase(void)
{
    char *p;

    begin_phase();
    p = arena_block(1000);
    run_thread(foreign_begin, NULL);
    CHECK((char *)arena_block(1000) == p + granules(1000));
    end_phase();
    CHECK(is_active());
    run_thread(foreign_end, NULL);
    CHECK(!is_active());
    CHECK(stats_now().phases == 1 && stats_now().orphans == 0);
}

static void a_recycling_begin_on_another_thread_rewinds_this_threads_slab(void)
{
    char *p;

    begin_phase();
    p = arena_block(1000);
    CHECK(p == slab_start_of(p));
    arena_block(1000);
    run_thread(foreign_begin, NULL);
    CHECK(arena_block(1000) == p);
    CHECK((char *)arena_block(1000) == p + granules(1000));
}

static const struct CMUnitTest tests[] = {
    FRESH(an_end_without_a_begin_is_einval, .env = {ARENA}),
    FRESH(phases_follow_each_other, .env = {ARENA}),
    FRESH(a_second_begin_is_refused_and_changes_nothing, .env = {ARENA}),
    FRESH(counted_begins_end_with_the_last_end, .env = {ARENA, COUNT}),
    FRESH(a_recycling_begin_rewinds_and_one_end_ends, .env = {ARENA, RECYCLE}),

    FRESH(only_the_owner_begins_and_ends, .env = {ARENA}),
    FRESH_AS("only the owner begins and ends, under nesting=count", only_the_owner_begins_and_ends,
             .env = {ARENA, COUNT}),
    FRESH_AS("only the owner begins and ends, under nesting=recycle",
             only_the_owner_begins_and_ends, .env = {ARENA, RECYCLE}),
    FRESH(any_thread_may_end, .env = {ARENA, ANY}),
    FRESH(any_thread_may_begin_a_counted_phase, .env = {ARENA, ANY, COUNT}),
    FRESH(a_recycling_begin_on_another_thread_rewinds_this_threads_slab,
          .env = {ARENA, ANY, RECYCLE}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
