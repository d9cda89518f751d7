/*
 * own_sigtrap.c - a program that uses SIGTRAP itself: it has breakpoints of its own, changes its handler, and blocks
 * and sends the signal, all while the function is entered.
 */
#include "entered.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static volatile sig_atomic_t caught_code;

ENTERED int the_round(int x);

int the_round(int x)
{
    return x + 1;
}

static uint64_t entered;

static void enter(void)
{
    NEED(the_round((int)entered) == (int)entered + 1);
    entered++;
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    caught++;
    caught_code = info->si_code;
    enter(); /* in a handler of SIGTRAP */
    errno = EDOM;
}

static void own_breakpoint(void)
{
#if defined __x86_64__
    __asm__ volatile("int3");
#else
    raise(SIGTRAP);
#endif
}

static void catch_it(void)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    struct sigaction now;

    NEED(sigaction(SIGTRAP, &action, &now) == 0);
    NEED(now.sa_handler == SIG_DFL);
    NEED(sigaction(SIGTRAP, NULL, &now) == 0);
    NEED(now.sa_sigaction == on_trap && (now.sa_flags & SA_SIGINFO) != 0);
    own_breakpoint();
    NEED(caught == 1);
    raise(SIGTRAP);
    NEED(caught == 2 && caught_code == SI_TKILL);
    enter();
}

/* A signal sent while it is blocked arrives once it is unblocked; the function is entered all the same. */
static void block_it(void)
{
    sigset_t trap;
    sigset_t now;

    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    NEED(sigprocmask(SIG_BLOCK, &trap, &now) == 0 && sigismember(&now, SIGTRAP) == 0);
    enter();
    raise(SIGTRAP);
    NEED(caught == 2);
    NEED(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGTRAP) == 1);
    enter();
    NEED(sigprocmask(SIG_UNBLOCK, &trap, &now) == 0 && sigismember(&now, SIGTRAP) == 1);
    NEED(caught == 3);
    NEED(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGTRAP) == 0);
}

static void on_usr1(int number)
{
    (void)number;
    enter();
}

/* A handler that blocks everything enters the function. */
static void block_it_in_a_handler(void)
{
    struct sigaction action = {.sa_handler = on_usr1};

    sigfillset(&action.sa_mask);
    NEED(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
}

static void reset_it(void)
{
    NEED(signal(SIGTRAP, SIG_IGN) != SIG_ERR);
    raise(SIGTRAP);
    enter();
    NEED(signal(SIGTRAP, SIG_DFL) == SIG_IGN);
    NEED(caught == 3);
    enter();
}

/* Without a handler, a trap of its own kills the program. */
static void die_of_it(void)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        enter();
        own_breakpoint();
        _exit(0);
    }
    NEED(waitpid(child, &status, 0) == child);
    NEED(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
}

int main(void)
{
    deadline(50);
    enter();
    catch_it();
    block_it();
    block_it_in_a_handler();
    reset_it();
    die_of_it();
    NEED(entered == 10);
    expect_phases(entered);
    return 0;
}
