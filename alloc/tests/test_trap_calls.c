/*
 * test_trap_calls.c - what counts as an access by the kernel: only what a system call in progress in this process
 * has been given. Every body runs with ZK_ALLOC_AUDIT=trap.
 */
#include "findings.h"

#include "dispatch.h"

#include <signal.h>
#include <sys/syscall.h>

static char *block_of_this_phase(void)
{
    char *p;

    next_phase();
    p = zk_malloc(100);
    CHECK(p != NULL);
    memset(p, 7, 100);
    if (!zk_dispatch_is_on())
        skip_undispatched();
    return p;
}

/* ---- A child does not have its parent's other threads */

static int pipes[2];

/* Is the thread of that number asleep? Only its read can make it sleep. */
static bool sleeps(pid_t thread)
{
    char path[64];
    char state = 0;
    FILE *stat;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    stat = fopen(path, "r");
    CHECK(stat != NULL && fscanf(stat, "%*d %*s %c", &state) == 1); /* NOLINT */
    fclose(stat);
    return state == 'S';
}

static _Atomic pid_t reader;

static void *read_as_known(void *p)
{
    reader = (pid_t)syscall(SYS_gettid);
    CHECK(read(pipes[0], p, 100) == 1);
    return NULL;
}

static void begins_in_a_child(void *arg)
{
    (void)arg;
    next_phase();
    next_phase();
    CHECK(summary_now().touched_count == 0 && summary_now().retained_count == 1);
}

static void a_call_of_a_thread_that_a_child_does_not_have_is_over(void)
{
    char *p = block_of_this_phase();
    pthread_t thread;

    CHECK(pipe(pipes) == 0);
    thread = start_thread(read_as_known, p);
    while (reader == 0 || !sleeps(reader))
        sched_yield();
    CHECK(status_of_fork(begins_in_a_child, NULL) == 0);
    next_phase();
    CHECK(summary_now().touched_count == 1); /* the parent's call goes on */
    CHECK(write(pipes[1], "x", 1) == 1);
    join_thread(thread);
}

/* ---- Handlers installed before the first begin */

static volatile sig_atomic_t handled;

static void make_a_call(int signal)
{
    (void)signal;
    handled = handled + (syscall(SYS_getppid) > 0);
}

static void a_handler_that_was_set_before_with_all_signals_blocked_makes_calls(void)
{
    struct sigaction action = {.sa_handler = make_a_call, .sa_flags = SA_RESTART};

    sigfillset(&action.sa_mask);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    block_of_this_phase();
    CHECK(raise(SIGUSR1) == 0 && handled == 1);
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0);
    CHECK((action.sa_flags & SA_RESTART) != 0 && sigismember(&action.sa_mask, SIGUSR2));
}

static void a_thread_that_blocked_all_signals_before_makes_calls(void)
{
    sigset_t mask;

    sigfillset(&mask);
    CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
    block_of_this_phase();
    CHECK(syscall(SYS_getppid) > 0);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && sigismember(&mask, SIGUSR1));
}

#define TRAP_ALL .env = {TRAP, ALL_SIZES}

static const struct CMUnitTest tests[] = {
    FRESH(a_call_of_a_thread_that_a_child_does_not_have_is_over, TRAP_ALL),
    FRESH(a_handler_that_was_set_before_with_all_signals_blocked_makes_calls, TRAP_ALL),
    FRESH(a_thread_that_blocked_all_signals_before_makes_calls, TRAP_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
