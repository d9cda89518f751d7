/*
 * test_phase_jump.c - phases that are left by a longjmp or by the end of a thread.
 */
#include "phase_bodies.h"

static void leave_scope_by_longjmp(void)
{
    if (setjmp(outside) == 0) {
        ZK_PHASE_SCOPE();
        jump_out(NULL);
    }
}

static void (*const leave_by_longjmp[])(void) = {leave_phase_by_longjmp, leave_scope_by_longjmp};

static void a_longjmp_is_found_at_the_next_begin(void)
{
    leave_by_longjmp[fresh_number]();
    CHECK(stats_now().orphans == 0);
    CHECK(is_active()); /* not noticed yet */
    begin_phase();
    CHECK(stats_now().orphans == 1 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active());
    begin_phase();
    CHECK(stats_now().orphans == 1);
}

/* The frame covers the one that the jump has removed, and leaves its bytes unchanged. */
__attribute__((noinline)) static void begin_from_a_large_frame(void)
{
    volatile char room[4096];

    room[0] = 0;
    begin_phase();
    CHECK(room[0] == 0);
}

static void a_longjmp_is_found_by_a_begin_in_a_deeper_frame(void)
{
    leave_by_longjmp[fresh_number]();
    begin_from_a_large_frame();
    CHECK(stats_now().orphans == 1 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active());
}

static void the_next_begin_may_be_a_phase_or_a_scope(void)
{
    int runs = 0;

    leave_phase_by_longjmp();
    CHECK(zk_phase(note_arg, &runs) == 0 && runs == 1);
    CHECK(stats_now().orphans == 1 && !is_active());
    leave_phase_by_longjmp();
    CHECK(leave_scope_by_return(7) == 7);
    CHECK(stats_now().orphans == 2 && !is_active());
    leave_scope_by_longjmp();
    CHECK(zk_phase(note_arg, &runs) == 0 && runs == 2);
    CHECK(stats_now().orphans == 3 && !is_active());
    CHECK(stats_now().phases == 6);
}

/* Each zk_phase has its guard at the same place as the last one. */
static void every_one_of_many_longjmps_is_found(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        CHECK(stats_now().orphans == (i == 0 ? 0 : i - 1));
        leave_phase_by_longjmp();
    }
    begin_phase();
    CHECK(stats_now().orphans == 1000);
}

static void jump_out_of_nested_phases(void *arg)
{
    unsigned *levels = arg;

    if (--*levels == 0)
        longjmp(outside, 1);
    zk_phase(jump_out_of_nested_phases, levels);
    CHECK(!"reached");
}

static void a_longjmp_out_of_nested_phases_leaves_as_many_orphans(void)
{
    static unsigned levels = 20;

    if (setjmp(outside) == 0)
        zk_phase(jump_out_of_nested_phases, &levels);
    begin_phase();
    CHECK(stats_now().orphans == 20 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active()); /* the depth is right again */
}

static void jump_to_the_middle(void *arg)
{
    (void)arg;
    leave_phase_by_longjmp();
    CHECK(is_active());
    begin_phase();
    CHECK(stats_now().orphans == 1);
    CHECK(stats_now().phases == 1); /* the outer phase goes on: its frame is still there */
    end_phase();
    CHECK(is_active());
}

static void a_longjmp_out_of_an_inner_phase_leaves_the_outer_one_alone(void)
{
    CHECK(zk_phase(jump_to_the_middle, NULL) == 0);
    CHECK(!is_active());
    end_fails_with(EINVAL);
}

static void a_recycling_begin_finds_no_orphans(void)
{
    char *p;

    leave_phase_by_longjmp();
    p = arena_block(1000);
    CHECK(p == slab_start_of(p));
    begin_phase();
    CHECK(arena_block(1000) == p);
    CHECK(stats_now().orphans == 0 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active());
}

static void jump_out_of_catch(void *arg)
{
    (void)arg;
    longjmp(outside, 1);
}

static void jump_out_and_escape(void *code)
{
    if (setjmp(outside) == 0)
        zk_catch(jump_out_of_catch, NULL);
    zk_escape(*(int *)code); /* not to the catch that is gone */
}

static void an_escape_passes_over_catches_left_by_longjmp(void)
{
    int code = 11;

    CHECK(zk_catch(jump_out_and_escape, &code) == 11);
}

/* The program has noticed it itself. */
static void a_phase_left_by_longjmp_and_then_ended_is_no_orphan(void)
{
    leave_phase_by_longjmp();
    end_phase();
    begin_phase();
    end_phase();
    CHECK(stats_now().orphans == 0 && stats_now().phases == 2);
}

static void *hold_a_phase(void *arg)
{
    struct visit *visit = arg;

    begin_phase();
    pthread_barrier_wait(&visit->step);
    pthread_barrier_wait(&visit->step);
    CHECK(is_active());
    end_phase();
    return NULL;
}

/* And another thread's phase is not taken for the one that this thread left and ended. */
static void a_jump_long_made_good_does_not_end_another_threads_phase(void)
{
    struct visit visit;
    pthread_t thread;

    leave_phase_by_longjmp();
    end_phase();
    CHECK(pthread_barrier_init(&visit.step, NULL, 2) == 0);
    thread = start_thread(hold_a_phase, &visit);
    pthread_barrier_wait(&visit.step);
    CHECK(zk_begin_phase() == -1);
    CHECK(stats_now().orphans == 0);
    pthread_barrier_wait(&visit.step);
    join_thread(thread);
}

static void exit_thread(void *arg)
{
    (void)arg;
    pthread_exit(NULL);
}

static void *exit_thread_in_phase(void *arg)
{
    zk_phase(exit_thread, arg);
    return NULL;
}

static void a_thread_that_exits_in_phase_leaves_an_orphan(void)
{
    run_thread(exit_thread_in_phase, NULL);
    CHECK(is_active());
    begin_phase();
    CHECK(stats_now().orphans == 1 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active());
}

static const struct CMUnitTest tests[] = {
    FRESH_AS("a longjmp out of zk_phase is found at the next begin",
             a_longjmp_is_found_at_the_next_begin, .env = {ARENA}, .number = 0,
             .says = {"zkalloc: ", "longjmp"}),
    FRESH_AS("a longjmp out of a scope is found at the next begin",
             a_longjmp_is_found_at_the_next_begin, .env = {ARENA}, .number = 1,
             .says = {"zkalloc: ", "longjmp"}),
    FRESH_AS("a longjmp out of zk_phase is found by a begin in a deeper frame",
             a_longjmp_is_found_by_a_begin_in_a_deeper_frame, .env = {ARENA}, .number = 0,
             .says = {"zkalloc: ", "longjmp"}),
    FRESH_AS("a longjmp out of a scope is found by a begin in a deeper frame",
             a_longjmp_is_found_by_a_begin_in_a_deeper_frame, .env = {ARENA}, .number = 1,
             .says = {"zkalloc: ", "longjmp"}),
    FRESH(the_next_begin_may_be_a_phase_or_a_scope, .env = {ARENA},
          .says = {"zkalloc: ", "longjmp"}),
    FRESH(every_one_of_many_longjmps_is_found, .env = {ARENA}, .says = {"zkalloc: ", "longjmp"}),
    FRESH(a_longjmp_out_of_nested_phases_leaves_as_many_orphans, .env = {ARENA, COUNT},
          .says = {"zkalloc: ", "longjmp"}),
    FRESH(a_longjmp_out_of_an_inner_phase_leaves_the_outer_one_alone, .env = {ARENA, COUNT},
          .says = {"zkalloc: ", "longjmp"}),
    FRESH(a_recycling_begin_finds_no_orphans, .env = {ARENA, RECYCLE}),
    FRESH(an_escape_passes_over_catches_left_by_longjmp, .env = {ARENA}),
    FRESH(a_phase_left_by_longjmp_and_then_ended_is_no_orphan, .env = {ARENA}),
    FRESH(a_jump_long_made_good_does_not_end_another_threads_phase, .env = {ARENA}),
    FRESH_AS("a jump long made good does not end another thread's phase, under owner=any",
             a_jump_long_made_good_does_not_end_another_threads_phase, .env = {ARENA, ANY}),
    FRESH(a_thread_that_exits_in_phase_leaves_an_orphan, .env = {ARENA},
          .says = {"zkalloc: ", "thread"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
