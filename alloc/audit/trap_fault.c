/*
 * trap_fault.c - the program's own accesses. One that faults is counted and let through. Where the processor can
 * single-step, the pages are open for that one instruction only, so that the next access is seen as well;
 * elsewhere, until the next begin.
 */
#include "call.h"
#include "dispatch.h"
#include "fatal.h"
#include "raised.h"
#include "trap_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

static uintptr_t program_counter(const ucontext_t *context)
{
#if defined __x86_64__
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (uintptr_t)context->uc_mcontext.pc;
#else
#error "where is the program counter?"
#endif
}

static enum zk_access access_of(const ucontext_t *context)
{
#if defined __x86_64__
    const unsigned long long write_bit = 2; /* in the page fault's error code */

    return ((unsigned long long)context->uc_mcontext.gregs[REG_ERR] & write_bit) != 0
               ? ZK_ACCESS_WRITE
               : ZK_ACCESS_READ;
#else
    /* The syndrome register is in a list of records after the registers. */
    const uint32_t esr_magic = 0x45535201;
    const uint64_t write_not_read = 1u << 6;
    const unsigned char *at = context->uc_mcontext.__reserved;
    const unsigned char *end = at + sizeof context->uc_mcontext.__reserved;

    while (at + 16 <= end) {
        uint32_t head[2]; /* magic, bytes */
        uint64_t syndrome;

        memcpy(head, at, sizeof head);
        memcpy(&syndrome, at + sizeof head, sizeof syndrome);
        if (head[0] == esr_magic)
            return (syndrome & write_not_read) != 0 ? ZK_ACCESS_WRITE : ZK_ACCESS_READ;
        if (head[0] == 0 || head[1] == 0)
            break;
        at += head[1];
    }
    return ZK_ACCESS_NONE;
#endif
}

/* ---- One instruction */

#if defined __x86_64__

enum { openings_max = 8 };

/* The instruction that is being stepped, and what is open for it. */
static _Thread_local struct {
    bool active;
    uintptr_t pc;
    uint64_t mask; /* signal mask before it */
    unsigned count;
    struct zk_opening openings[openings_max];
} step __attribute__((tls_model(ZK_TLS_MODEL)));

static const greg_t trap_flag = 1 << 8;

/* Limits how many instructions are stepped: a fixed number first, then some for each millisecond. So the program is
 * slowed down, but does not come to a standstill. In a virtual machine, a step takes some 20 microseconds. */
static struct {
    _Atomic uint64_t taken;
    _Atomic int64_t since_ms;
    _Atomic bool exhausted;
} steps;

static const uint64_t steps_at_once = 6000;
static const uint64_t steps_per_ms = 4;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_missing_places(void)
{
    if (!atomic_load(&steps.exhausted))
        atomic_store(&steps.exhausted, true);
}

static bool take_step(void)
{
    uint64_t taken = atomic_fetch_add(&steps.taken, 1);
    int64_t since = atomic_load(&steps.since_ms);

    if (taken == 0)
        atomic_store(&steps.since_ms, now_ms());
    if (taken < steps_at_once ||
        taken < steps_at_once + (uint64_t)(now_ms() - since) * steps_per_ms)
        return true;
    atomic_fetch_sub(&steps.taken, 1);
    note_missing_places();
    return false;
}

/* Is it a string instruction with a repeat prefix? It would stop after each iteration. */
static bool is_repeated(const unsigned char *instruction)
{
    bool repeats = false;
    size_t i;

    for (i = 0; i < 4; i++) {
        unsigned char byte = instruction[i];

        if (byte == 0xF2 || byte == 0xF3)
            repeats = true;
        else if (byte != 0x66 && byte != 0x67 && (byte & 0xF0) != 0x40)
            break;
    }
    return repeats && ((instruction[i] >= 0xA4 && instruction[i] <= 0xAF) ||
                       (instruction[i] >= 0x6C && instruction[i] <= 0x6F));
}

static uint64_t *mask_of(ucontext_t *context)
{
    return (uint64_t *)(void *)&context->uc_sigmask;
}

static uint64_t all_that_may_wait(void)
{
    uint64_t mask = UINT64_MAX;

    for (const int *signal = zk_raised_signals; *signal != 0; signal++)
        mask &= ~(UINT64_C(1) << (*signal - 1));
    return mask;
}

/* The lock is held. */
static void close_all(void)
{
    for (unsigned i = 0; i < step.count; i++)
        zk_trap_close(&step.openings[i]);
    step.count = 0;
    step.active = false;
}

/* May the instruction that has faulted be stepped? Not if the stack itself lies in a block: the next signal would
 * have no stack. A step that was left by a jump out of another signal's handler is over. */
static bool may_step(const ucontext_t *context, uintptr_t pc)
{
    const void *stack = (const void *)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];

    if (step.active && step.pc != pc)
        close_all();
    return zk_dispatch_is_on() && !zk_trap_holds(stack) && step.count < openings_max &&
           !is_repeated((const unsigned char *)pc) && take_step();
}

static void start_step(ucontext_t *context, uintptr_t pc, const struct zk_opening *opening)
{
    if (!step.active) {
        step.mask = *mask_of(context);
        *mask_of(context) |= all_that_may_wait();
        context->uc_mcontext.gregs[REG_EFL] |= trap_flag;
    }
    step.active = true;
    step.pc = pc;
    step.openings[step.count++] = *opening;
}

/* The instruction is done. */
static void end_step(ucontext_t *context)
{
    zk_trap_lock_for_fault();
    close_all();
    zk_trap_unlock();
    *mask_of(context) = step.mask;
    context->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
}

static bool is_stepping(void)
{
    return step.active;
}

bool zk_trap_sees_all_places(void)
{
    return zk_dispatch_is_on() && !atomic_load(&steps.exhausted);
}

#else

static void note_missing_places(void)
{
}

static bool may_step(const ucontext_t *context, uintptr_t pc)
{
    (void)context;
    (void)pc;
    return false;
}

static void start_step(ucontext_t *context, uintptr_t pc, const struct zk_opening *opening)
{
    (void)context;
    (void)pc;
    (void)opening;
}

static void end_step(ucontext_t *context)
{
    (void)context;
}

static bool is_stepping(void)
{
    return false;
}

bool zk_trap_sees_all_places(void)
{
    return false;
}

#endif

/* ---- Faults */

enum { recent_max = 4, lingering_max = 4, patience = 1000 };

/* Recent accesses. The same instruction, in the same call, accessing the same block, is the same
 * place. */
struct recent {
    uintptr_t pc;
    uintptr_t stack;
    uintptr_t frame;
    uint32_t phase;
    uint32_t times;
    enum zk_access access;
    const char *block;
};

/* If one place touches a block many times, the pages that it touched last stay open ("linger") until the thread
 * touches others or calls into the trap. So a loop costs one fault for each page; a place after the loop is still
 * seen, except on the pages that the loop touched last. */
static _Thread_local struct {
    struct recent recent[recent_max];
    unsigned next;
    struct zk_opening lingering[lingering_max];
    unsigned oldest;
} own __attribute__((tls_model(ZK_TLS_MODEL)));

static void end_lingering(struct zk_opening *opening)
{
    if (opening->bytes > 0)
        zk_trap_close(opening);
    opening->bytes = 0;
}

void zk_trap_lingering_ends(void)
{
    for (size_t i = 0; i < lingering_max; i++)
        end_lingering(&own.lingering[i]);
}

/* The lock is held. */
static bool linger(const struct zk_block *block, char *address)
{
    struct zk_opening *opening = &own.lingering[own.oldest];

    note_missing_places();
    end_lingering(opening);
    own.oldest = (own.oldest + 1) % lingering_max;
    return zk_trap_open_pages(block, address, opening);
}

static void frame_of(const ucontext_t *context, uintptr_t *stack, uintptr_t *frame)
{
#if defined __x86_64__
    *stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    *frame = (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
#else
    *stack = (uintptr_t)context->uc_mcontext.sp;
    *frame = (uintptr_t)context->uc_mcontext.regs[29];
#endif
}

static bool same_place(const struct recent *a, const struct recent *b)
{
    return a->block == b->block && a->pc == b->pc && a->stack == b->stack && a->frame == b->frame &&
           a->access == b->access && a->phase == b->phase;
}

/* If the access is from a recent place, opens what it needs, and returns true: it is counted
 * already. The lock is held. */
static bool is_again(char *address, enum zk_access access, const ucontext_t *context,
                     struct zk_opening *opening)
{
    const struct zk_block *block = zk_block_around(address);
    struct recent now = {
        .pc = program_counter(context), .phase = zk_trap.phase, .access = access, .times = 1};

    if (block == NULL || block->open)
        return false;
    now.block = block->start;
    frame_of(context, &now.stack, &now.frame);
    for (size_t i = 0; i < recent_max; i++) {
        if (!same_place(&own.recent[i], &now))
            continue;
        if (++own.recent[i].times > patience)
            return linger(block, address);
        return zk_trap_open_pages(block, address, opening);
    }
    own.recent[own.next] = now;
    own.next = (own.next + 1) % recent_max;
    return false;
}

/* Counts an access, and opens what it needs. */
static bool admit(char *address, ucontext_t *context, struct zk_opening *opening)
{
    uintptr_t pc = program_counter(context);
    enum zk_access access = access_of(context);
    bool alone;
    bool handled;
    zk_site site;

    zk_trap_lock_for_fault();
    alone = may_step(context, pc);
    handled = alone && is_again(address, access, context, opening);
    zk_trap_unlock();
    if (handled)
        return true;
    zk_trap_enter(); /* the unwinder reads the loader's data, which may lie in stale blocks */
    site = zk_site_at(pc);
    zk_trap_lock_for_fault();
    handled = zk_trap_admit(address, access, site, alone ? opening : NULL);
    zk_trap_unlock();
    return handled;
}

/* If it is a stale access, counts it and lets it through. Returns whether it was. */
static bool handle_fault(const siginfo_t *info, ucontext_t *context)
{
    char *address = info->si_addr;
    uintptr_t pc = program_counter(context);
    struct zk_opening opening = {0};
    bool handled;

    if (info->si_code != SEGV_ACCERR || (uintptr_t)address == pc || !zk_trap_is_sealed(address))
        return false;
    if (zk_trap_is_inside())
        return zk_trap_note_late(address, 1, access_of(context), pc);
    handled = admit(address, context, &opening);
    if (opening.bytes > 0)
        start_step(context, pc, &opening);
    return handled;
}

/* With dispatch on, where the program cannot replace our handler. */
static void on_kept_signal(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    bool handled = false;

    if (signal == SIGSEGV) {
        handled = handle_fault(info, context);
    } else if (signal == SIGTRAP && info->si_code == TRAP_TRACE && is_stepping()) {
        end_step(context);
        handled = true;
    }
    errno = saved;
    if (!handled)
        zk_fatal_pass_on(signal, info, context, zk_dispatch_program_action(signal));
}

/* ---- Where the program can replace our handler */

enum { catchers_max = 4 };

static struct {
    struct sigaction before[catchers_max]; /* what each of our handlers has replaced */
    size_t count;                          /* catchers in use */
} catching;

static void on_fault(size_t catcher, int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    bool handled = handle_fault(info, context);

    errno = saved;
    if (!handled)
        zk_fatal_pass_on(signal, info, context, &catching.before[catcher]);
}

/* The program may install a handler after ours, and pass signals that it does not know on to the one
 * before: ours. So to get back in front we install another catcher, which passes on to the program's
 * handler, and the first one still passes on to where it did. */
static void catch_0(int signal, siginfo_t *info, void *context)
{
    on_fault(0, signal, info, context);
}

static void catch_1(int signal, siginfo_t *info, void *context)
{
    on_fault(1, signal, info, context);
}

static void catch_2(int signal, siginfo_t *info, void *context)
{
    on_fault(2, signal, info, context);
}

static void catch_3(int signal, siginfo_t *info, void *context)
{
    on_fault(3, signal, info, context);
}

static void (*const catchers[catchers_max])(int, siginfo_t *, void *) = {catch_0, catch_1, catch_2,
                                                                         catch_3};

static bool is_ours(const struct sigaction *action)
{
    for (size_t i = 0; i < catchers_max; i++)
        if ((action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == catchers[i])
            return true;
    return false;
}

/* A catcher that passes on to this handler already, or a new one, or, if all are in use, the last. */
static size_t catcher_for(const struct sigaction *now)
{
    for (size_t i = 0; i < catching.count; i++)
        if (catching.before[i].sa_handler == now->sa_handler)
            return i;
    return catching.count < catchers_max ? catching.count++ : catchers_max - 1;
}

/* While our handler runs, other signals are blocked: their handlers may touch stale blocks, and would
 * find the locks taken. SIGSEGV is not: our handler itself may read a stale block, and a fault while
 * the signal is blocked would kill the process. */
void zk_trap_catch_faults(void)
{
    struct sigaction now;
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    size_t catcher;

    zk_dispatch_start(on_kept_signal);
    if (zk_dispatch_is_on() || sigaction(SIGSEGV, NULL, &now) != 0 || is_ours(&now))
        return;
    catcher = catcher_for(&now);
    catching.before[catcher] = now;
    action.sa_sigaction = catchers[catcher];
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGSEGV);
    sigaction(SIGSEGV, &action, NULL);
}
