/*
 * test_phase_scope.c - zk_phase and ZK_PHASE_SCOPE: guards that end a phase with the frame that opened it.
 */
#include "phase_bodies.h"

static void phase_runs_its_body_in_a_phase(void)
{
    int runs = 0;

    CHECK(zk_phase(note_arg, &runs) == 0 && runs == 1);
    CHECK(!is_active());
    CHECK(zk_phase(note_arg, &runs) == 0 && runs == 2);
    CHECK(stats_now().phases == 2);
    end_fails_with(EINVAL);
}

static void *foreign_phase_is_eperm(void *arg)
{
    int runs = 0;

    (void)arg;
    errno = 0;
    fails_with(zk_phase(note_arg, &runs), EPERM);
    CHECK(runs == 0);
    return NULL;
}

static void phase_fails_as_begin_does_and_runs_no_body(void)
{
    int runs = 0;

    begin_phase();
    errno = 0;
    fails_with(zk_phase(note_arg, &runs), EBUSY);
    CHECK(runs == 0);
    run_thread(foreign_phase_is_eperm, NULL);
    CHECK(is_active());
    end_phase();
}

static void nest_phases(void *arg)
{
    unsigned *levels = arg;

    if (--*levels > 0) {
        CHECK(zk_phase(nest_phases, levels) == 0);
        CHECK(is_active()); /* that end was not the last */
    }
}

static void nested_phases_end_with_the_outermost(void)
{
    unsigned levels = 100;

    CHECK(zk_phase(nest_phases, &levels) == 0 && levels == 0);
    CHECK(!is_active());
    CHECK(stats_now().phases == 1 && stats_now().orphans == 0);
    end_fails_with(EINVAL);
}

static void a_scope_is_a_phase_to_its_end(void)
{
    for (unsigned i = 0; i < 3; i++) {
        {
            ZK_PHASE_SCOPE();
            CHECK(is_active());
        }
        CHECK(!is_active());
    }
    CHECK(stats_now().phases == 3);
}

static void however_a_scope_is_left_its_phase_ends(void)
{
    CHECK(leave_scope_by_return(7) == 7);
    CHECK(!is_active());
    for (;;) {
        ZK_PHASE_SCOPE();
        CHECK(is_active());
        break;
    }
    CHECK(!is_active());
    for (unsigned i = 0; i < 2; i++) {
        ZK_PHASE_SCOPE();
        CHECK(is_active());
        if (i == 0)
            continue;
        goto out;
    }
out:
    CHECK(!is_active());
    CHECK(stats_now().phases == 4);
    end_fails_with(EINVAL);
}

static void a_scope_that_cannot_begin_does_nothing(void)
{
    begin_phase();
    CHECK(leave_scope_by_return(7) == 7); /* routed as without the scope */
    CHECK(is_active());
    end_phase();
    CHECK(!is_active());
    CHECK(stats_now().phases == 1);
}

static void scope_in_phase(void *arg)
{
    (void)arg;
    CHECK(leave_scope_by_return(7) == 7);
    CHECK(is_active());
}

static void nested_scopes_end_with_the_outermost(void)
{
    {
        ZK_PHASE_SCOPE();
        CHECK(zk_phase(scope_in_phase, NULL) == 0);
        CHECK(is_active());
    }
    CHECK(!is_active());
    CHECK(stats_now().phases == 1);
}

/* As if the compiler inlined a function with a scope into another. */
__attribute__((always_inline)) static inline void scope_in_the_callers_frame(void)
{
    ZK_PHASE_SCOPE();
    CHECK(is_active());
}

static void nested_scopes_of_one_frame_end_with_the_outermost(void)
{
    for (unsigned phase = 1; phase <= 3; phase++) {
        {
            ZK_PHASE_SCOPE();
            scope_in_the_callers_frame();
            CHECK(is_active());
            scope_in_the_callers_frame();
            CHECK(is_active());
        }
        CHECK(!is_active());
        CHECK(stats_now().phases == phase && stats_now().orphans == 0);
    }
    end_fails_with(EINVAL);
}

/* Calls function from a frame without unwind tables, such as another language's compiler or an old
 * library may have. */
void call_without_unwind_tables(void (*function)(void));
#if defined(__x86_64__)
__asm__(".text\n"
        ".type call_without_unwind_tables, @function\n"
        "call_without_unwind_tables:\n"
        "    push %rbp\n"
        "    mov %rsp, %rbp\n"
        "    call *%rdi\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size call_without_unwind_tables, . - call_without_unwind_tables\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".type call_without_unwind_tables, @function\n"
        "call_without_unwind_tables:\n"
        "    stp x29, x30, [sp, #-16]!\n"
        "    mov x29, sp\n"
        "    blr x0\n"
        "    ldp x29, x30, [sp], #16\n"
        "    ret\n"
        ".size call_without_unwind_tables, . - call_without_unwind_tables\n");
#else
void call_without_unwind_tables(void (*function)(void))
{
    function();
}
#endif

static void begin_again(void)
{
    begin_fails_with(EBUSY);
}

static void begin_again_in_an_opaque_frame(void *arg)
{
    char *p = arena_block(1000);

    (void)arg;
    call_without_unwind_tables(begin_again);
    CHECK((char *)arena_block(1000) == p + granules(1000));
}

/* If the walk cannot see a guard's frame, it must not call it gone. */
static void a_phase_holds_under_frames_without_unwind_tables(void)
{
    CHECK(zk_phase(begin_again_in_an_opaque_frame, NULL) == 0);
    CHECK(!is_active());
    CHECK(stats_now().phases == 1 && stats_now().orphans == 0);
}

static const struct CMUnitTest tests[] = {
    FRESH(phase_runs_its_body_in_a_phase, .env = {ARENA}),
    FRESH(phase_fails_as_begin_does_and_runs_no_body, .env = {ARENA}),
    FRESH(nested_phases_end_with_the_outermost, .env = {ARENA, COUNT}),
    FRESH(a_scope_is_a_phase_to_its_end, .env = {ARENA}),
    FRESH(however_a_scope_is_left_its_phase_ends, .env = {ARENA}),
    FRESH(a_scope_that_cannot_begin_does_nothing, .env = {ARENA}),
    FRESH(nested_scopes_end_with_the_outermost, .env = {ARENA, COUNT}),
    FRESH(nested_scopes_of_one_frame_end_with_the_outermost, .env = {ARENA, COUNT}),
    FRESH(a_phase_holds_under_frames_without_unwind_tables, .env = {ARENA}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
