/*
 * test_phase.c - begin and end, who may, the guards that end a phase with the frame that opened it,
 * the escapes and jumps that leave it, and the hooks that run after it.
 */
#include "fresh.h"

#include <signal.h>

#define COUNT   "ZK_ALLOC_NESTING=count"
#define RECYCLE "ZK_ALLOC_NESTING=recycle"
#define ANY     "ZK_ALLOC_OWNER=any"

static bool is_active(void)
{
    return zk_owns(zk_malloc(64));
}

static void fails_with(int result, int error)
{
    CHECK(result == -1);
    CHECK(errno == error);
}

static void begin_fails_with(int error)
{
    errno = 0;
    fails_with(zk_begin_phase(), error);
}

static void end_fails_with(int error)
{
    errno = 0;
    fails_with(zk_end_phase(), error);
}

/* ---- Begin and end ----------------------------------------------------------------------------
 */

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

/* What was allocated before the refused begin keeps its bytes, what comes after lies behind it. */
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

/* ---- Who may ----------------------------------------------------------------------------------
 */

static void *foreign_begin_is_eperm(void *arg)
{
    (void)arg;
    begin_fails_with(EPERM);
    return NULL;
}

static void *foreign_end_is_eperm(void *arg)
{
    (void)arg;
    end_fails_with(EPERM);
    return NULL;
}

static void *foreign_end_is_einval(void *arg)
{
    (void)arg;
    end_fails_with(EINVAL);
    return NULL;
}

static void *begin_and_end(void *arg)
{
    (void)arg;
    begin_phase();
    CHECK(is_active());
    end_phase();
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

/* ---- Threads that end in their phase ------------------------------------------------------------
 */

static void *begin_and_leave(void *arg)
{
    (void)arg;
    begin_phase();
    arena_block(100);
    return NULL;
}

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

struct visit {
    pthread_barrier_t step;
};

static void *begin_first_and_end_first(void *arg)
{
    struct visit *visit = arg;

    begin_phase();
    pthread_barrier_wait(&visit->step); /* the main thread begins, too */
    pthread_barrier_wait(&visit->step);
    end_phase();
    return NULL;
}

/* It has ended what it began. The other begin still counts. */
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

/* ---- zk_phase and ZK_PHASE_SCOPE ----------------------------------------------------------------
 */

static void note_arg(void *arg)
{
    *(int *)arg += 1;
    CHECK(is_active());
}

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

static int leave_scope_by_return(int value)
{
    ZK_PHASE_SCOPE();
    if (is_active())
        return value;
    return -1;
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
    CHECK(leave_scope_by_return(7) == 7); /* routed as without it */
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

/* As when the compiler inlines a function with a scope into another one. */
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

/* Calls what it is given from a frame of which no unwind table knows, as a compiler of another
 * language makes it, or an old library has it. */
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

/* Who cannot see the frame of a guard must not say that it is gone. */
static void a_phase_holds_under_frames_without_unwind_tables(void)
{
    CHECK(zk_phase(begin_again_in_an_opaque_frame, NULL) == 0);
    CHECK(!is_active());
    CHECK(stats_now().phases == 1 && stats_now().orphans == 0);
}

/* ---- Escapes ----------------------------------------------------------------------------------
 */

static void do_nothing(void *arg)
{
    (void)arg;
}

static void escape_with(void *code)
{
    zk_escape(*(int *)code);
}

static void escape_in_phase(void *code)
{
    zk_phase(escape_with, code);
    CHECK(!"reached");
}

static void escape_in_scope(void *code)
{
    ZK_PHASE_SCOPE();
    CHECK(is_active());
    escape_with(code);
}

static void catch_returns_the_code(void)
{
    int codes[] = {1, 2, -1, 256, INT32_MAX, INT32_MIN};

    CHECK(zk_catch(do_nothing, NULL) == 0);
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        CHECK(zk_catch(escape_with, &codes[i]) == codes[i]);
        CHECK(zk_catch(escape_in_phase, &codes[i]) == codes[i]);
        CHECK(zk_catch(escape_in_scope, &codes[i]) == codes[i]);
    }
}

static void code_0_becomes_1(void)
{
    int code = 0;

    CHECK(zk_catch(escape_with, &code) == 1);
    CHECK(zk_catch(escape_in_phase, &code) == 1);
}

static void an_escape_ends_the_phase(void)
{
    int code = 5;

    CHECK(zk_catch(escape_in_phase, &code) == 5);
    CHECK(!is_active());
    CHECK(zk_catch(escape_in_scope, &code) == 5);
    CHECK(!is_active());
    CHECK(stats_now().phases == 2 && stats_now().orphans == 0);
    begin_phase();
    end_phase();
}

struct dive {
    unsigned levels;
    int code;
};

static void dive(void *arg)
{
    struct dive *at = arg;

    if (at->levels-- > 0)
        zk_phase(dive, at);
    else
        zk_escape(at->code);
    CHECK(!"reached");
}

static void an_escape_ends_all_nested_phases(void)
{
    for (unsigned levels = 1; levels < 100; levels += 7) {
        struct dive deep = {levels, 6};

        CHECK(zk_catch(dive, &deep) == 6);
        CHECK(!is_active());
        end_fails_with(EINVAL);
    }
    CHECK(stats_now().orphans == 0);
}

static void catch_in_phase(void *arg)
{
    struct dive deep = {3, 8};
    char *p = arena_block(1000);

    CHECK(zk_catch(dive, &deep) == 8);
    CHECK((char *)arena_block(1000) == p + granules(1000));
    *(int *)arg = 1;
}

/* Those outside of the catch go on. */
static void an_escape_ends_the_phases_since_the_innermost_catch(void)
{
    int reached = 0;

    CHECK(zk_phase(catch_in_phase, &reached) == 0 && reached == 1);
    CHECK(!is_active());
    end_fails_with(EINVAL);
    CHECK(stats_now().phases == 1);
}

static void catch_and_escape_again(void *arg)
{
    int inner = 3;

    CHECK(zk_catch(escape_in_phase, &inner) == 3);
    zk_escape(*(int *)arg);
}

static void the_innermost_catch_catches(void)
{
    int outer = 4;

    CHECK(zk_catch(catch_and_escape_again, &outer) == 4);
    CHECK(!is_active());
}

static void begin_and_escape(void *arg)
{
    begin_phase();
    escape_with(arg);
}

static void an_escape_leaves_phases_without_a_guard_alone(void)
{
    int code = 9;

    CHECK(zk_catch(begin_and_escape, &code) == 9);
    CHECK(is_active());
    end_phase();
}

static void escape_without_catch(void)
{
    zk_escape(17);
}

static void escape_after_the_catch_has_returned(void)
{
    int code = 1;

    CHECK(zk_catch(escape_in_phase, &code) == 1);
    CHECK(zk_catch(do_nothing, NULL) == 0);
    zk_escape(18);
}

static void *escape_on_this_thread(void *arg)
{
    escape_with(arg);
    return NULL;
}

static void escape_on_another_thread(void *arg)
{
    run_thread(escape_on_this_thread, arg);
}

static void escape_beside_another_threads_catch(void)
{
    int code = 19;

    zk_catch(escape_on_another_thread, &code);
}

/* ---- Jumps ------------------------------------------------------------------------------------
 */

static jmp_buf outside;

static void jump_out(void *arg)
{
    (void)arg;
    longjmp(outside, 1);
}

static void leave_phase_by_longjmp(void)
{
    if (setjmp(outside) == 0) {
        zk_phase(jump_out, NULL);
        CHECK(!"reached");
    }
}

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
    CHECK(is_active()); /* nobody has noticed yet */
    begin_phase();
    CHECK(stats_now().orphans == 1 && stats_now().phases == 2);
    end_phase();
    CHECK(!is_active());
    begin_phase();
    CHECK(stats_now().orphans == 1);
}

/* Its frame covers the one that the jump has removed, and leaves its bytes as they were. */
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

/* Each zk_phase has its guard where the last one had its. */
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
    CHECK(stats_now().phases == 1); /* the outer phase goes on: its frame lives */
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

/* The program has noticed by itself. */
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

/* And it does not take another thread's phase for the one that it left and ended. */
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

/* ---- Hooks ------------------------------------------------------------------------------------
 */

enum { HOOKS = 30 };

static struct {
    unsigned calls;
    unsigned order[100];
    pthread_t thread;
} hooks;

static void note_hook(void *arg)
{
    CHECK(hooks.calls < 100);
    hooks.order[hooks.calls++] = *(unsigned *)arg;
    hooks.thread = pthread_self();
    system_block(64); /* the phase is over */
    CHECK(!zk_owns(zk_calloc(1, 64)));
    end_fails_with(EINVAL);
}

static unsigned numbers[HOOKS];

static void register_hooks(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        numbers[i] = 1000 + i;
        CHECK(zk_on_phase_end(note_hook, &numbers[i]) == 0);
    }
}

static void hooks_run_in_order_after_each_end(void)
{
    register_hooks(HOOKS);
    CHECK(hooks.calls == 0);
    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        arena_block(100);
        CHECK(hooks.calls == 0);
        end_phase();
        CHECK(hooks.calls == HOOKS);
        for (unsigned i = 0; i < HOOKS; i++)
            CHECK(hooks.order[i] == 1000 + i);
        hooks.calls = 0;
    }
}

static void hooks_registered_in_a_phase_run_at_its_end(void)
{
    begin_phase();
    register_hooks(2);
    end_phase();
    CHECK(hooks.calls == 2);
}

static void hooks_do_not_run_when_an_end_fails(void)
{
    register_hooks(1);
    end_fails_with(EINVAL);
    begin_phase();
    run_thread(foreign_end_is_eperm, NULL);
    CHECK(hooks.calls == 0);
    end_phase();
    CHECK(hooks.calls == 1);
}

static void hooks_run_at_the_last_of_counted_ends(void)
{
    register_hooks(1);
    begin_phase();
    begin_phase();
    end_phase();
    CHECK(hooks.calls == 0);
    end_phase();
    CHECK(hooks.calls == 1);
}

static void *end_here(void *arg)
{
    end_phase();
    *(pthread_t *)arg = pthread_self();
    return NULL;
}

static void hooks_run_on_the_thread_that_ended_the_phase(void)
{
    pthread_t other;

    register_hooks(1);
    begin_phase();
    end_phase();
    CHECK(pthread_equal(hooks.thread, pthread_self()));
    begin_phase();
    run_thread(end_here, &other);
    CHECK(hooks.calls == 2 && pthread_equal(hooks.thread, other));
}

static void hooks_run_however_a_phase_is_left(void)
{
    int code = 1;
    int runs = 0;

    register_hooks(1);
    CHECK(zk_phase(note_arg, &runs) == 0);
    CHECK(hooks.calls == 1);
    CHECK(leave_scope_by_return(1) == 1);
    CHECK(hooks.calls == 2);
    CHECK(zk_catch(escape_in_phase, &code) == 1);
    CHECK(hooks.calls == 3);
    CHECK(zk_catch(escape_in_scope, &code) == 1);
    CHECK(hooks.calls == 4);
}

static void hooks_run_for_a_phase_left_by_longjmp(void)
{
    register_hooks(1);
    leave_phase_by_longjmp();
    CHECK(hooks.calls == 0);
    begin_phase();
    CHECK(hooks.calls == 1);
}

static void hooks_run_for_a_phase_whose_thread_has_ended(void)
{
    register_hooks(1);
    run_thread(begin_and_leave, NULL);
    CHECK(hooks.calls == 0);
    begin_phase();
    CHECK(hooks.calls == 1);
}

#define ARENA BLIND, ALL_SIZES, SLAB_16M

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

    FRESH(phase_runs_its_body_in_a_phase, .env = {ARENA}),
    FRESH(phase_fails_as_begin_does_and_runs_no_body, .env = {ARENA}),
    FRESH(nested_phases_end_with_the_outermost, .env = {ARENA, COUNT}),
    FRESH(a_scope_is_a_phase_to_its_end, .env = {ARENA}),
    FRESH(however_a_scope_is_left_its_phase_ends, .env = {ARENA}),
    FRESH(a_scope_that_cannot_begin_does_nothing, .env = {ARENA}),
    FRESH(nested_scopes_end_with_the_outermost, .env = {ARENA, COUNT}),
    FRESH(nested_scopes_of_one_frame_end_with_the_outermost, .env = {ARENA, COUNT}),
    FRESH(a_phase_holds_under_frames_without_unwind_tables, .env = {ARENA}),

    FRESH(catch_returns_the_code, .env = {ARENA}),
    FRESH(code_0_becomes_1, .env = {ARENA}),
    FRESH(an_escape_ends_the_phase, .env = {ARENA}),
    FRESH(an_escape_ends_all_nested_phases, .env = {ARENA, COUNT}),
    FRESH(an_escape_ends_the_phases_since_the_innermost_catch, .env = {ARENA, COUNT}),
    FRESH(the_innermost_catch_catches, .env = {ARENA}),
    FRESH(an_escape_leaves_phases_without_a_guard_alone, .env = {ARENA}),
    FRESH(escape_without_catch, .env = {ARENA}, .status = 128 + SIGABRT,
          .says = {"zkalloc: ", "zk_escape(17)"}),
    FRESH(escape_after_the_catch_has_returned, .env = {ARENA}, .status = 128 + SIGABRT,
          .says = {"zkalloc: ", "zk_escape(18)"}),
    FRESH(escape_beside_another_threads_catch, .env = {ARENA}, .status = 128 + SIGABRT,
          .says = {"zkalloc: ", "zk_escape(19)"}),

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

    FRESH(hooks_run_in_order_after_each_end, .env = {ARENA}),
    FRESH(hooks_registered_in_a_phase_run_at_its_end, .env = {ARENA}),
    FRESH(hooks_do_not_run_when_an_end_fails, .env = {ARENA}),
    FRESH(hooks_run_at_the_last_of_counted_ends, .env = {ARENA, COUNT}),
    FRESH(hooks_run_on_the_thread_that_ended_the_phase, .env = {ARENA, ANY}),
    FRESH(hooks_run_however_a_phase_is_left, .env = {ARENA}),
    FRESH(hooks_run_for_a_phase_left_by_longjmp, .env = {ARENA}, .says = {"longjmp"}),
    FRESH(hooks_run_for_a_phase_whose_thread_has_ended, .env = {ARENA}, .says = {"thread"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
