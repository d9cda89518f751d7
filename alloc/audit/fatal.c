/*
 * fatal.c - signals keep their meaning: the program's own handlers run as if we were not there, and
 * a signal that would have killed the program still does, after the report.
 */
#include "fatal.h"
#include "audit.h"
#include "call.h"
#include "lock.h"
#include "os.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <ucontext.h>

/* The first five mean a crash; the others ask the process to end. */
static const int fatal_signals[] = {SIGABRT, SIGBUS,  SIGFPE,  SIGILL,  SIGSEGV, SIGHUP,
                                    SIGINT,  SIGQUIT, SIGTERM, SIGPIPE, SIGXCPU};

enum {
    fatal_count = sizeof fatal_signals / sizeof *fatal_signals,
    crash_count = 5,
};

static atomic_bool watching; /* from the first audited phase on */

static bool is_crash(int signal)
{
    for (size_t i = 0; i < crash_count; i++)
        if (fatal_signals[i] == signal)
            return true;
    return false;
}

/* Lets the default action kill the process: at once if the signal was sent, or else when the
 * instruction that raised it runs again.
 */
static void die_of(int signal, const siginfo_t *info)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    zk_call_sigaction(signal, &action, NULL);
    if (info->si_code <= 0 || signal == SIGABRT || !is_crash(signal))
        zk_os_raise(signal);
}

void zk_fatal_pass_on(int signal, siginfo_t *info, void *context, struct sigaction *action)
{
    struct sigaction before = *action;
    sigset_t mask = ((const ucontext_t *)context)->uc_sigmask; /* of the interrupted code */
    sigset_t now;

    if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN && info->si_code <= 0)
        return;
    if ((before.sa_flags & SA_SIGINFO) == 0 &&
        (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) {
        zk_audit_report_dying(signal, is_crash(signal));
        die_of(signal, info);
        return;
    }
    if ((before.sa_flags & (int)SA_RESETHAND) != 0)
        *action = (struct sigaction){.sa_handler = SIG_DFL};
    if ((before.sa_flags & SA_NODEFER) == 0)
        sigaddset(&mask, signal);
    sigorset(&mask, &mask, &before.sa_mask);
    pthread_sigmask(SIG_SETMASK, &mask, &now);
    if ((before.sa_flags & SA_SIGINFO) != 0)
        before.sa_sigaction(signal, info, context);
    else
        before.sa_handler(signal);
    pthread_sigmask(SIG_SETMASK, &now, NULL);
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    if (!is_crash(signal) && zk_locks_held > 0) {
        zk_lock_raise_later(signal);
        return;
    }
    zk_fatal_pass_on(signal, info, context, &action);
}

/* ---- Threads ---- */

enum {
    stack_bytes = 64 << 10,
    stack_least_bytes = 32 << 10, /* a report needs some 20 KiB; below this, we use our own stack */
};

static struct {
    pthread_key_t key; /* for a thread's stack that we made */
    bool key_made;     /* written under the phase lock, before the first audited block */
} threads;

static _Thread_local bool thread_watched __attribute__((tls_model(ZK_TLS_MODEL)));

/* Kept at the top of an alternate stack's memory. */
struct own_stack {
    void *start;
    stack_t before; /* the program's */
};

static void thread_ends(void *arg)
{
    struct own_stack *own = arg;
    stack_t now;

    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == own->start)
        sigaltstack(&own->before, NULL);
    zk_os_unmap(own->start, stack_bytes);
}

/* Gives the thread an alternate stack: so that a stack overflow can be reported, and so that our
 * handlers do not overflow a small one of the program's. */
static void need_alternate_stack(void)
{
    stack_t stack = {.ss_size = stack_bytes - sizeof(struct own_stack)};
    struct own_stack *own;
    stack_t before;

    if (!threads.key_made || sigaltstack(NULL, &before) != 0 || (before.ss_flags & SS_ONSTACK) != 0)
        return;
    if ((before.ss_flags & SS_DISABLE) == 0 && before.ss_size >= stack_least_bytes)
        return;
    stack.ss_sp = zk_os_map(stack_bytes);
    if (stack.ss_sp == NULL)
        return;
    own = (struct own_stack *)(void *)((char *)stack.ss_sp + stack.ss_size);
    *own = (struct own_stack){stack.ss_sp, before};
    if (pthread_setspecific(threads.key, own) == 0)
        sigaltstack(&stack, NULL);
    else
        zk_os_unmap(stack.ss_sp, stack_bytes);
}

void zk_fatal_watch_thread(void)
{
    sigset_t faults;

    if (thread_watched)
        return;
    thread_watched = true;
    need_alternate_stack();
    /* A fault kills if the signal is blocked, even with a handler. Programs that block all signals
     * do not mean this one. */
    sigemptyset(&faults);
    sigaddset(&faults, SIGSEGV);
    pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}

/* The signal that asks for a report. */
static void on_request(int signal)
{
    int saved = errno;

    if (zk_locks_held > 0)
        zk_lock_raise_later(signal);
    else
        zk_audit_report_now();
    errno = saved;
}

bool zk_fatal_is_default(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_DFL;
}

static void watch_request(void)
{
    struct sigaction watch = {.sa_handler = on_request, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct sigaction before;

    sigfillset(&watch.sa_mask);
    sigdelset(&watch.sa_mask, SIGSEGV);
    if (sigaction(ZK_REPORT_SIGNAL, NULL, &before) == 0 && zk_fatal_is_default(&before))
        sigaction(ZK_REPORT_SIGNAL, &watch, NULL);
}

bool zk_fatal_is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_fatal;
}

bool zk_fatal_is_watched(int signal)
{
    for (size_t i = 0; i < fatal_count; i++)
        if (fatal_signals[i] == signal)
            return atomic_load(&watching);
    return false;
}

void zk_fatal_watch_one(int signal)
{
    struct sigaction watch = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigaction(signal, &watch, NULL);
}

void zk_fatal_watch(void)
{
    atomic_store(&watching, true);
    watch_request();

    threads.key_made = threads.key_made || pthread_key_create(&threads.key, thread_ends) == 0;
    zk_fatal_watch_thread();
    for (size_t i = 0; i < fatal_count; i++) {
        struct sigaction before;

        if (sigaction(fatal_signals[i], NULL, &before) == 0 && zk_fatal_is_default(&before))
            zk_fatal_watch_one(fatal_signals[i]);
    }
}
