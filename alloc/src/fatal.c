/*
 * fatal.c - signals keep their meaning: the program's own handlers run as if we were not there, and
 * what would have killed it kills it, after the report.
 */
#include "fatal.h"
#include "audit.h"
#include "os.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const int fatal_signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

enum { fatal_count = sizeof fatal_signals / sizeof *fatal_signals };

/* The default action, at once if it was sent, or when the instruction that raised it is run again.
 */
static void die_of(int signal, const siginfo_t *info)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigaction(signal, &action, NULL);
    if (info->si_code <= 0 || signal == SIGABRT)
        raise(signal);
}

void zk_fatal_pass_on(int signal, siginfo_t *info, void *context, struct sigaction *action)
{
    struct sigaction before = *action;
    sigset_t mask;

    if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN && info->si_code <= 0)
        return;
    if ((before.sa_flags & SA_SIGINFO) == 0 &&
        (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) {
        zk_audit_report_dying(signal);
        die_of(signal, info);
        return;
    }
    if ((before.sa_flags & (int)SA_RESETHAND) != 0)
        *action = (struct sigaction){.sa_handler = SIG_DFL};
    sigprocmask(SIG_BLOCK, &before.sa_mask, &mask);
    if ((before.sa_flags & SA_NODEFER) != 0) {
        sigset_t this;

        sigemptyset(&this);
        sigaddset(&this, signal);
        sigprocmask(SIG_UNBLOCK, &this, NULL);
    }
    if ((before.sa_flags & SA_SIGINFO) != 0)
        before.sa_sigaction(signal, info, context);
    else
        before.sa_handler(signal);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    zk_fatal_pass_on(signal, info, context, &action);
}

/* So that a stack that is used up can be reported. Other threads' are the program's business. */
static void need_alternate_stack(void)
{
    const size_t bytes = 64 << 10;
    stack_t stack = {.ss_size = bytes};
    stack_t before;

    if (sigaltstack(NULL, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0)
        return;
    stack.ss_sp = zk_os_map(bytes);
    if (stack.ss_sp != NULL && sigaltstack(&stack, NULL) != 0)
        zk_os_unmap(stack.ss_sp, bytes);
}

void zk_fatal_watch(void)
{
    struct sigaction watch = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    need_alternate_stack();
    for (size_t i = 0; i < fatal_count; i++) {
        struct sigaction before;

        if (sigaction(fatal_signals[i], NULL, &before) == 0 &&
            (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL)
            sigaction(fatal_signals[i], &watch, NULL);
    }
}
