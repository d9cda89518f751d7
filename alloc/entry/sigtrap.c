/*
 * sigtrap.c - if a thread hit a breakpoint while it blocks SIGTRAP, that would end the process. So the signal is never
 * really blocked: calls that would block it return as if they had, and a SIGTRAP sent meanwhile is kept pending until
 * the thread unblocks it. (Raw system calls are not seen.)
 */
#include "sigtrap.h"
#include "breakpoint.h"
#include "call.h"
#include "next.h"
#include "raised.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#define EXPORT __attribute__((visibility("default")))

NEXT(sigaction);
NEXT(sigprocmask);
NEXT(pthread_sigmask);

static struct {
    _Atomic bool taken;
    atomic_flag busy;        /* guards: */
    struct sigaction theirs; /* what the program has asked for */
} trap = {.busy = ATOMIC_FLAG_INIT};

/* The state of SIGTRAP in this thread, as the program sees it. */
static struct mine {
    bool blocks;
    _Atomic bool pending;
} * mine(void)
{
    static _Thread_local struct mine thread __attribute__((tls_model("initial-exec")));

    return &thread;
}

/* Blocks signals: a handler that came in between could wait for its own thread. */
static sigset_t lock(void)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    next_pthread_sigmask(SIG_SETMASK, &all, &before);
    while (atomic_flag_test_and_set(&trap.busy))
        sched_yield();
    return before;
}

static void unlock(const sigset_t *before)
{
    atomic_flag_clear(&trap.busy);
    next_pthread_sigmask(SIG_SETMASK, before, NULL);
}

static struct sigaction exchange(const struct sigaction *new)
{
    sigset_t before = lock();
    struct sigaction old = trap.theirs;

    if (new != NULL)
        trap.theirs = *new;
    unlock(&before);
    return old;
}

/* ---- Traps that are not ours ---- */

static void die(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;

    next_sigaction(SIGTRAP, &action, NULL);
#if defined __x86_64__
    zk_call_sigaction(SIGTRAP, &action, NULL); /* in the kernel, even under the trap */
#endif
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    next_pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGTRAP);
}

static void call(const struct sigaction *action, int number, siginfo_t *info, void *context)
{
    sigset_t mask = ((const ucontext_t *)context)->uc_sigmask; /* of the interrupted code */
    struct mine *thread = mine();
    bool blocked = thread->blocks;

    sigorset(&mask, &mask, &action->sa_mask);
    sigdelset(&mask, SIGTRAP);
    thread->blocks = (action->sa_flags & SA_NODEFER) == 0;
    next_pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if ((action->sa_flags & SA_SIGINFO) != 0)
        action->sa_sigaction(number, info, context);
    else
        action->sa_handler(number);
    thread->blocks = blocked;
    if (!blocked && atomic_exchange(&thread->pending, false))
        raise(SIGTRAP);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    static const struct sigaction by_default = {.sa_handler = SIG_DFL};
    bool sent = info->si_code <= 0;
    struct sigaction action;

    if (mine()->blocks && sent) {
        atomic_store(&mine()->pending, true);
        return;
    }
    action = exchange(NULL);
    if (action.sa_handler == SIG_IGN && sent)
        return;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN || mine()->blocks) {
        die();
        return;
    }
    if ((action.sa_flags & (int)SA_RESETHAND) != 0)
        exchange(&by_default);
    call(&action, number, info, context);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    if (!zk_breakpoint_hit(info, context))
        pass_on(number, info, context);
    errno = saved;
}

/* The handler runs on the thread's own stack, not on the program's alternate one: that may have only 8 KiB, and a
 * boundary under an audit opens a file and needs more. */
void zk_sigtrap_take(void)
{
    struct sigaction action = {.sa_sigaction = on_trap,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
    sigset_t set;
    sigset_t before;

    zk_next_load();
    sigfillset(&action.sa_mask);
    for (const int *signal = zk_raised_signals; *signal != 0; signal++)
        sigdelset(&action.sa_mask, *signal);
    next_sigaction(SIGTRAP, &action, &trap.theirs);
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    next_pthread_sigmask(SIG_UNBLOCK, &set, &before);
    mine()->blocks = sigismember(&before, SIGTRAP) == 1;
    atomic_store(&trap.taken, true);
}

/* ---- What the program calls ---- */

static bool is_taken(void)
{
    return __builtin_expect(atomic_load_explicit(&trap.taken, memory_order_relaxed),
                            false); /* since before main */
}

bool zk_sigtrap_sigaction(int number, const struct sigaction **new, struct sigaction *old,
                          struct sigaction *room)
{
    struct sigaction before;

    if (!is_taken())
        return false;
    if (number == SIGTRAP) {
        before = exchange(*new);
        if (old != NULL)
            *old = before;
        return true;
    }
    if (*new == NULL || sigismember(&(*new)->sa_mask, SIGTRAP) != 1)
        return false;
    *room = **new;
    sigdelset(&room->sa_mask, SIGTRAP);
    *new = room;
    return false;
}

typedef int set_mask(int how, const sigset_t *new, sigset_t *old);

static bool blocks_then(int how, const sigset_t *new, bool blocks)
{
    bool named = sigismember(new, SIGTRAP) == 1;

    return how == SIG_SETMASK ? named : named ? how == SIG_BLOCK : blocks;
}

static int change_mask(set_mask *next, int how, const sigset_t *new, sigset_t *old)
{
    struct mine *thread = mine();
    bool blocked = thread->blocks;
    sigset_t changed;
    int error;

    if (new != NULL) {
        changed = *new;
        if (how != SIG_UNBLOCK)
            sigdelset(&changed, SIGTRAP);
    }
    error = next(how, new == NULL ? NULL : &changed, old);
    if (error != 0)
        return error;
    if (new != NULL)
        thread->blocks = blocks_then(how, new, blocked);
    if (old != NULL && blocked)
        sigaddset(old, SIGTRAP);
    if (blocked && !thread->blocks && atomic_exchange(&thread->pending, false))
        raise(SIGTRAP);
    return 0;
}

/* Our own library calls these functions too, and then means the real mask. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static bool is_own(const void *caller)
{
    return (const char *)caller >= __ehdr_start && (const char *)caller < _end;
}

EXPORT int sigprocmask(int how, const sigset_t *new, sigset_t *old)
{
    NEED(sigprocmask);
    return is_taken() && !is_own(__builtin_return_address(0))
               ? change_mask(next_sigprocmask, how, new, old)
               : next_sigprocmask(how, new, old);
}

EXPORT int pthread_sigmask(int how, const sigset_t *new, sigset_t *old)
{
    NEED(pthread_sigmask);
    return is_taken() && !is_own(__builtin_return_address(0))
               ? change_mask(next_pthread_sigmask, how, new, old)
               : next_pthread_sigmask(how, new, old);
}
