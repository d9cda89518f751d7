/*
 * signals.c - a process under audit reports when a signal ends it, so a handler of ours stands in for the default
 * action. The program must not see that: if it asks, it gets the default, and if it sets the default, it gets our
 * handler again. And its handler for faults does not come before the trap's.
 */
#include "fatal.h"
#include "next.h"
#include "sigtrap.h"
#include "trap.h"

#include "audit.h"

#include <signal.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

NEXT(sigaction);

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    struct sigaction room;
    int result;

    NEED(sigaction);
    if (zk_sigtrap_sigaction(signal, &action, before, &room))
        return 0;
    result = next_sigaction(signal, action, before);
    if (result != 0)
        return result;
    if (before != NULL && zk_fatal_is_ours(before))
        *before = (struct sigaction){.sa_handler = SIG_DFL};
    if (action != NULL && zk_fatal_is_default(action) && zk_fatal_is_watched(signal))
        zk_fatal_watch_one(signal);
    if (action != NULL && signal == SIGSEGV && zk_auditing(ZK_AUDIT_TRAP))
        zk_trap_catch_faults();
    return result;
}

EXPORT void (*signal(int number, void (*handler)(int)))(int)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction before;

    return sigaction(number, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}
