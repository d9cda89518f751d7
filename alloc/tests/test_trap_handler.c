/*
 * test_trap_handler.c - faults that are not the trap's: the program's own handlers, and the default action.
 */
#include "stack_overflow.h"
#include "stale_block.h"

#include <sys/mman.h>

/* ---- The program's own handlers ---- */

static sigjmp_buf back;
static volatile sig_atomic_t handled;
static void *volatile handled_address;
static volatile sig_atomic_t handled_code;
static volatile sig_atomic_t usr1_blocked;

static void note(int signal)
{
    sigset_t mask;

    CHECK(signal == SIGSEGV);
    handled++;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    usr1_blocked = sigismember(&mask, SIGUSR1);
}

static void jump(int signal)
{
    note(signal);
    siglongjmp(back, 1);
}

static void jump_with_info(int signal, siginfo_t *info, void *context)
{
    CHECK(context != NULL);
    handled_address = info->si_addr;
    handled_code = info->si_code;
    jump(signal);
}

static struct sigaction old_action;
static char *page; /* inaccessible */

static void open_page(int signal)
{
    note(signal);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void set_action(void (*handler)(int), int flags, int masked)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    if (masked != 0)
        sigaddset(&action.sa_mask, masked);
    CHECK(sigaction(SIGSEGV, &action, &old_action) == 0);
}

static void set_info_action(void)
{
    struct sigaction action = {.sa_sigaction = jump_with_info, .sa_flags = SA_SIGINFO};

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

static char *barred_page(void)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

/* A genuine fault, which the handler leaves by siglongjmp. */
static void fault_and_come_back(void)
{
    int before = handled;

    if (sigsetjmp(back, 1) == 0) {
        read_at(page, 8);
        CHECK(!"reached");
    }
    CHECK(handled == before + 1);
}

/* One stale access in this phase and one genuine fault, twice. */
static void stale_is_ours_and_genuine_is_the_programs(void)
{
    for (unsigned i = 0; i < 2; i++) {
        char *p = stale_block(100);
        uint64_t touched = summary_now().touched_count;

        read_at(p, 3);
        CHECK(summary_now().touched_count == touched + 1);
        fault_and_come_back();
    }
    CHECK(handled == 2);
}

static void a_handler_set_before_the_first_begin_gets_genuine_faults(void)
{
    barred_page();
    set_action(jump, 0, 0);
    stale_is_ours_and_genuine_is_the_programs();
}

static void a_handler_set_after_the_first_begin_gets_genuine_faults(void)
{
    barred_page();
    next_phase();
    set_action(jump, 0, 0);
    stale_is_ours_and_genuine_is_the_programs();
    set_action(jump, SA_NODEFER, 0); /* and another one */
    handled = 0;
    stale_is_ours_and_genuine_is_the_programs();
}

static void set_a_handler_and_fault(void *unused)
{
    (void)unused;
    set_action(jump, 0, 0);
    fault_and_come_back();
}

static void fork_and_set_a_handler(void *unused)
{
    struct sigaction now;

    (void)unused;
    CHECK(sigaction(SIGSEGV, NULL, &old_action) == 0);
    CHECK(status_of_fork(set_a_handler_and_fault, NULL) == 0);
    CHECK(sigaction(SIGSEGV, NULL, &now) == 0);
    CHECK(now.sa_handler == old_action.sa_handler && now.sa_handler != jump);
}

/* Its own, and neither its parent's nor its child's. */
static void a_handler_that_a_forked_child_sets_gets_its_faults(void)
{
    barred_page();
    next_phase();
    CHECK(status_of_fork(set_a_handler_and_fault, NULL) == 0);
    CHECK(status_of_fork(fork_and_set_a_handler, NULL) == 0);
}

static void a_handler_with_information_gets_it(void)
{
    barred_page();
    set_info_action();
    stale_is_ours_and_genuine_is_the_programs();
    CHECK(handled_address == page + 8 && handled_code == SEGV_ACCERR);
}

static void a_handler_that_mends_the_fault_goes_on(void)
{
    char *p = stale_block(100);

    barred_page();
    set_action(open_page, 0, SIGUSR1);
    next_phase();
    CHECK(read_at(page, 8) == 0);
    CHECK(read_at(p, 8) == 7);
    CHECK(handled == 1 && summary_now().touched_count == 1);
    CHECK(usr1_blocked); /* its sa_mask */
}

static void signals_are_blocked_in_a_handler_as_the_program_said(void)
{
    sigset_t mask;

    barred_page();
    set_action(open_page, 0, 0);
    next_phase();
    read_at(page, 8);
    CHECK(handled == 1 && !usr1_blocked);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    CHECK(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGSEGV));
}

static void a_handler_that_resets_itself_gets_one_fault(void)
{
    barred_page();
    set_action(jump, (int)SA_RESETHAND, 0);
    next_phase();
    fault_and_come_back();
    CHECK(handled == 1);
    read_at(page, 8); /* the default action */
}

/* Passes on what it does not know to the previous handler: ours. */
static void chain(int signal, siginfo_t *info, void *context)
{
    handled++;
    if (handled > 10)
        _exit(99);
    if ((old_action.sa_flags & SA_SIGINFO) != 0)
        old_action.sa_sigaction(signal, info, context);
}

static void a_handler_that_passes_faults_on_to_ours_ends_in_the_default_action(void)
{
    struct sigaction action = {.sa_sigaction = chain, .sa_flags = SA_SIGINFO};
    char *p = stale_block(100);
    int through;

    barred_page();
    CHECK(sigaction(SIGSEGV, &action, &old_action) == 0);
    read_at(p, 0);     /* goes through the program's handler first: there was no begin since */
    through = handled; /* with dispatch on, all faults come to us first */
    CHECK(summary_now().touched_count == 1 && through <= 1);
    next_phase();
    read_at(p, 0);
    CHECK(summary_now().touched_count == 2 && handled == through);
    read_at(page, 8);
    _exit(98);
}

/* Restores the previous handler, and lets the fault happen again, as crash reporters do. */
static void step_aside(int signal)
{
    if (++handled > 10)
        _exit(99);
    CHECK(sigaction(signal, &old_action, NULL) == 0);
}

static void a_handler_that_steps_aside_for_ours_ends_in_the_default_action(void)
{
    barred_page();
    next_phase();
    set_action(step_aside, 0, 0);
    next_phase();
    read_at(page, 8);
    _exit(98);
}

/* ---- The default action ---- */

static void a_null_pointer_kills(void)
{
    stale_block(10);
    read_at((char *)(uintptr_t)fresh_number, 0);
}

static void a_fault_outside_of_the_arena_kills(void)
{
    stale_block(10);
    write_at(barred_page(), 1);
}

static void a_jump_into_the_arena_kills(void)
{
    char *p = stale_block(10);
    void (*function)(void);

    if (fresh_number == 1)
        p = make(10);
    memcpy(&function, &p, sizeof function);
    function();
}

static void a_signal_from_outside_kills(void)
{
    stale_block(10);
    kill(getpid(), SIGSEGV);
    pause();
}

static void a_signal_from_outside_that_is_ignored_does_nothing(void)
{
    char *p;

    signal(SIGSEGV, SIG_IGN);
    p = stale_block(10);
    kill(getpid(), SIGSEGV);
    raise(SIGSEGV);
    read_at(p, 0);
    CHECK(summary_now().touched_count == 1);
}

static void a_fault_cannot_be_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    stale_block(10);
    read_at(barred_page(), 0);
}

static void a_stack_overflow_kills(void)
{
    stale_block(10);
    overflow_the_stack(0);
}

static void a_stack_overflow_on_another_thread_kills(void)
{
    stale_block(10);
    run_thread(overflow_on_thread, NULL);
}

/* ---- Signals that come from outside, while the allocator is at work ---- */

static char *volatile seen_by_handler;

static void read_stale(int signal)
{
    (void)signal;
    if (seen_by_handler != NULL)
        (void)*(volatile char *)seen_by_handler;
}

static void a_handler_of_the_programs_may_touch_what_is_stale_at_any_moment(void)
{
    struct sigaction action = {.sa_handler = read_stale, .sa_flags = SA_RESTART};
    timer_t timer;
    const struct itimerspec often = {.it_interval = {.tv_nsec = 50000},
                                     .it_value = {.tv_nsec = 50000}};

    if (THREAD_SANITIZED)
        skip_because("ThreadSanitizer blocks SIGSEGV while it runs a handler");
    CHECK(sigaction(SIGPROF, &action, NULL) == 0);
    seen_by_handler = stale_block(100);
    CHECK(timer_create(CLOCK_MONOTONIC,
                       &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF},
                       &timer) == 0);
    CHECK(timer_settime(timer, 0, &often, NULL) == 0);
    for (unsigned i = 0; i < 3000; i++) {
        char *p = make(100);

        next_phase();
        read_at(p, 0);
        zk_free(p);
    }
    CHECK(timer_delete(timer) == 0);
    CHECK(summary_now().touched_count >= 3000);
}

static const struct CMUnitTest tests[] = {
    FRESH(a_handler_set_before_the_first_begin_gets_genuine_faults, TRAP_ALL),
    FRESH(a_handler_set_after_the_first_begin_gets_genuine_faults, TRAP_ALL),
    FRESH(a_handler_that_a_forked_child_sets_gets_its_faults, TRAP_ALL),
    FRESH(a_handler_with_information_gets_it, TRAP_ALL),
    FRESH(a_handler_that_mends_the_fault_goes_on, TRAP_ALL),
    FRESH(signals_are_blocked_in_a_handler_as_the_program_said, TRAP_ALL),
    FRESH(a_handler_that_resets_itself_gets_one_fault, TRAP_FATAL, DIES),
    FRESH(a_handler_that_passes_faults_on_to_ours_ends_in_the_default_action, TRAP_FATAL, DIES),
    FRESH(a_handler_that_steps_aside_for_ours_ends_in_the_default_action, TRAP_FATAL, DIES),
    FRESH(a_null_pointer_kills, TRAP_FATAL, DIES),
    FRESH_AS("an address that cannot be kills", a_null_pointer_kills, TRAP_FATAL, DIES,
             .number = (size_t)1 << 63),
    FRESH(a_fault_outside_of_the_arena_kills, TRAP_FATAL, DIES),
    FRESH(a_jump_into_the_arena_kills, TRAP_FATAL, DIES),
    FRESH_AS("a jump into a live block kills", a_jump_into_the_arena_kills, TRAP_FATAL, DIES,
             .number = 1),
    FRESH(a_signal_from_outside_kills, TRAP_FATAL, DIES),
    FRESH(a_signal_from_outside_that_is_ignored_does_nothing, TRAP_ALL),
    FRESH(a_fault_cannot_be_ignored, TRAP_FATAL, DIES),
    FRESH(a_stack_overflow_kills, TRAP_FATAL, DIES),
    FRESH(a_stack_overflow_on_another_thread_kills, TRAP_FATAL, DIES),
    FRESH(a_handler_of_the_programs_may_touch_what_is_stale_at_any_moment, TRAP_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
