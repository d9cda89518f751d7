/*
 * dispatch.c - the handler of SIGSYS, which the kernel sends instead of making a system call that does not come
 * from call.c. It opens what the call is about to use, and resumes the program in call.c, where the call is made.
 * So we hold no state while a call blocks.
 *
 * If the call still fails with EFAULT, it comes back here: there was a pointer deeper in its arguments, which is
 * searched for. As a last resort the call is made with everything open, and counted as an access that the trap
 * could not watch.
 */
#include "dispatch.h"
#include "audit.h"
#include "call.h"
#include "call_frame.h"
#include "calls.h"
#include "epoch.h"
#include "fatal.h"
#include "trap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#if defined __x86_64__

#ifndef SYS_USER_DISPATCH /* si_code of siginfo_t */
#define SYS_USER_DISPATCH 2
#endif

enum { kept_signals = 3 };

static struct {
    _Atomic bool on;
    _Atomic bool missed;                    /* some thread's calls may bypass us */
    _Atomic pid_t process;                  /* the process whose actions these are, ... */
    _Atomic uint32_t epoch;                 /* ... and its epoch */
    struct sigaction program[kept_signals]; /* the program's actions for the kept signals */
    _Atomic unsigned desperate;             /* how often everything has been opened */
} dispatch;

enum { desperate_max = 64 };

static const int kept[kept_signals] = {SIGSEGV, SIGSYS, SIGTRAP};

static uint64_t bit_of(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

static uint64_t without_kept(uint64_t mask)
{
    for (size_t i = 0; i < kept_signals; i++)
        mask &= ~bit_of(kept[i]);
    return mask;
}

struct sigaction *zk_dispatch_program_action(int signal)
{
    size_t i = 0;

    while (i + 1 < kept_signals && kept[i] != signal)
        i++;
    return &dispatch.program[i];
}

bool zk_dispatch_is_on(void)
{
    return atomic_load(&dispatch.on);
}

bool zk_dispatch_sees_all(void)
{
    return atomic_load(&dispatch.on) && !atomic_load(&dispatch.missed);
}

/* ---- The program's memory, which may not be mapped */

struct vector {
    const void *base;
    size_t bytes;
};

static long own_process(void)
{
    return zk_call_raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static bool copy(long call, void *here, uintptr_t there, size_t bytes)
{
    struct vector local = {here, bytes};
    struct vector remote = {(const void *)there, bytes};
    long done = zk_call_raw(call, own_process(), (long)&local, 1, (long)&remote, 1, 0);

    if (done != -ENOSYS && done != -EPERM)
        return done == (long)bytes;
    if (call == SYS_process_vm_readv) /* not permitted: access it directly */
        memcpy(here, (const void *)there, bytes);
    else
        memcpy((void *)there, here, bytes);
    return true;
}

static bool peek(void *to, uintptr_t from, size_t bytes)
{
    return copy(SYS_process_vm_readv, to, from, bytes);
}

static bool poke(uintptr_t to, void *from, size_t bytes)
{
    return copy(SYS_process_vm_writev, from, to, bytes);
}

/* ---- One call */

struct call {
    greg_t *registers;
    ucontext_t *context;
    long number;
    uint64_t arguments[6];
    uintptr_t pc; /* after the program's instruction */
    struct zk_call_frame *frame;
};

static void reach(const struct call *call, uint64_t address, enum zk_access access)
{
    if (zk_trap_holds((const void *)address))
        zk_trap_reach((char *)address, access, call->pc);
}

static void reach_parts(const struct call *call, uint64_t parts, uint64_t count,
                        enum zk_access access)
{
    const uint64_t most = 1024; /* the kernel's limit */

    for (uint64_t i = 0; i < count && i < most; i++) {
        struct vector part = {0};

        if (!peek(&part, parts + i * sizeof part, sizeof part))
            return;
        if (part.bytes > 0)
            reach(call, (uintptr_t)part.base, access);
    }
}

/* A struct msghdr, or `count` of struct mmsghdr, whose messages are `apart` bytes apart. */
static void reach_messages(const struct call *call, uint64_t messages, uint64_t count, size_t apart,
                           enum zk_access access)
{
    const uint64_t most = 1024;

    for (uint64_t i = 0; i < count && i < most; i++) {
        struct {
            uint64_t name, name_bytes, parts, part_count, control, control_bytes;
        } message = {0};

        if (!peek(&message, messages + i * apart, sizeof message))
            return;
        reach(call, message.name, access);
        reach(call, message.control, access);
        reach(call, message.parts, ZK_ACCESS_READ);
        reach_parts(call, message.parts, message.part_count, access);
    }
}

static void reach_all(const struct call *call)
{
    const struct zk_call_shape *shape = zk_call_shape(call->number);
    const uint64_t *arguments = call->arguments;
    unsigned addresses = zk_call_addresses(call->number, arguments, false);
    const size_t message_bytes = 56;
    const size_t of_many_bytes = 64;

    for (unsigned i = 0; i < 6; i++) {
        bool empty = shape->bytes_of == i + 1 && arguments[shape->bytes_in] == 0;

        if ((addresses & 1u << i) != 0 && !empty)
            reach(call, arguments[i],
                  (shape->written & 1u << i) != 0 ? ZK_ACCESS_WRITE : ZK_ACCESS_READ);
    }
    switch (shape->inside) {
    case ZK_CALL_READS_PARTS:
        reach_parts(call, arguments[1], arguments[2], ZK_ACCESS_READ);
        break;
    case ZK_CALL_WRITES_PARTS:
        reach_parts(call, arguments[1], arguments[2], ZK_ACCESS_WRITE);
        break;
    case ZK_CALL_READS_MESSAGE:
        reach_messages(call, arguments[1], 1, message_bytes, ZK_ACCESS_READ);
        break;
    case ZK_CALL_WRITES_MESSAGE:
        reach_messages(call, arguments[1], 1, message_bytes, ZK_ACCESS_WRITE);
        break;
    case ZK_CALL_READS_MESSAGES:
        reach_messages(call, arguments[1], arguments[2], of_many_bytes, ZK_ACCESS_READ);
        break;
    case ZK_CALL_WRITES_MESSAGES:
        reach_messages(call, arguments[1], arguments[2], of_many_bytes, ZK_ACCESS_WRITE);
        break;
    case ZK_CALL_HIDES: /* the kernel uses memory after the call */
        atomic_store(&dispatch.missed, true);
        break;
    case ZK_CALL_PLAIN:
        break;
    }
}

/* ---- Signals */

static uint64_t *mask_of(const struct call *call)
{
    return (uint64_t *)(void *)&call->context->uc_sigmask;
}

/* Does rt_sigprocmask on the mask that the thread gets when the handler returns. */
static long change_mask(const struct call *call)
{
    uint64_t now = *mask_of(call);
    uint64_t old = now;
    uint64_t set;

    if (call->arguments[3] != sizeof set)
        return -EINVAL;
    if (call->arguments[1] != 0) {
        if (!peek(&set, call->arguments[1], sizeof set))
            return -EFAULT;
        switch (call->arguments[0]) {
        case SIG_BLOCK:
            now |= set;
            break;
        case SIG_UNBLOCK:
            now &= ~set;
            break;
        case SIG_SETMASK:
            now = set;
            break;
        default:
            return -EINVAL;
        }
        *mask_of(call) = without_kept(now);
    }
    if (call->arguments[2] != 0 && !poke(call->arguments[2], &old, sizeof old))
        return -EFAULT;
    return 0;
}

/* Is this a vfork child, which shares our memory until it execs? Its actions must not replace the program's. */
static bool is_borrowed(void)
{
    return own_process() != atomic_load(&dispatch.process);
}

/* The child of a fork has a copy of the actions, and the first call that comes here is its own. A vfork child has the
 * epoch of its parent. */
static void notice_fork(void)
{
    if (atomic_load(&dispatch.epoch) == zk_epoch())
        return;
    atomic_store(&dispatch.process, (pid_t)own_process());
    atomic_store(&dispatch.epoch, zk_epoch());
}

/* Does rt_sigaction for a kept signal. The kernel's struct has four words: handler, flags,
 * restorer, mask. */
static long keep_action(const struct call *call)
{
    struct sigaction *action = zk_dispatch_program_action((int)call->arguments[0]);
    uint64_t wanted[4];
    uint64_t was[4] = {(uintptr_t)action->sa_handler, (unsigned)action->sa_flags};

    memcpy(&was[3], &action->sa_mask, sizeof was[3]);
    if (call->arguments[3] != sizeof wanted[3])
        return -EINVAL;
    if (call->arguments[1] != 0 && !peek(wanted, call->arguments[1], sizeof wanted))
        return -EFAULT;
    if (call->arguments[2] != 0 && !poke(call->arguments[2], was, sizeof was))
        return -EFAULT;
    if (call->arguments[1] == 0 || is_borrowed())
        return 0;
    memset(action, 0, sizeof *action);
    action->sa_handler = (void (*)(int))(uintptr_t)wanted[0];
    action->sa_flags = (int)wanted[1];
    memcpy(&action->sa_mask, &wanted[3], sizeof wanted[3]);
    return 0;
}

static bool is_kept(uint64_t signal)
{
    for (size_t i = 0; i < kept_signals; i++)
        if (signal == (uint64_t)kept[i])
            return true;
    return false;
}

/* Makes argument point to a copy of its mask without the kept signals. */
static void replace_mask(const struct call *call, greg_t *argument)
{
    if (*argument == 0 || !peek(&call->frame->mask, (uintptr_t)*argument, sizeof call->frame->mask))
        return;
    call->frame->mask = without_kept(call->frame->mask);
    *argument = (greg_t)(uintptr_t)&call->frame->mask;
}

static void replace_action(const struct call *call)
{
    greg_t *argument = &call->registers[REG_RSI];

    if (*argument == 0 ||
        !peek(call->frame->action, (uintptr_t)*argument, sizeof call->frame->action))
        return;
    call->frame->action[3] = without_kept(call->frame->action[3]);
    *argument = (greg_t)(uintptr_t)call->frame->action;
}

static void replace_masked(const struct call *call)
{
    greg_t *argument = &call->registers[REG_R9];
    uint64_t *masked = call->frame->masked;

    if (*argument == 0 || !peek(masked, (uintptr_t)*argument, sizeof call->frame->masked))
        return;
    if (masked[0] == 0 || !peek(&call->frame->mask, masked[0], sizeof call->frame->mask))
        return;
    call->frame->mask = without_kept(call->frame->mask);
    masked[0] = (uintptr_t)&call->frame->mask;
    *argument = (greg_t)(uintptr_t)masked;
}

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* For the calls that take a mask, or an action with one. */
static void replace_masks(const struct call *call)
{
    greg_t *registers = call->registers;

    switch (call->number) {
    case SYS_rt_sigaction:
        replace_action(call);
        break;
    case SYS_rt_sigsuspend:
        replace_mask(call, &registers[REG_RDI]);
        break;
    case SYS_ppoll:
        replace_mask(call, &registers[REG_R10]);
        break;
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
        replace_mask(call, &registers[REG_R8]);
        break;
    case SYS_pselect6:
        replace_masked(call);
        break;
    default:
        break;
    }
}

/* ---- Threads and processes */

static const uint64_t flag_vfork = 0x4000;
static const uint64_t flag_clear_handlers = UINT64_C(0x100000000);

static bool makes_another(long number)
{
    return number == SYS_clone || number == SYS_clone3 || number == SYS_fork || number == SYS_vfork;
}

/* Will the child have no handlers, or share its parent's stack? */
static bool goes_without(const struct call *call)
{
    uint64_t flags = call->number == SYS_clone ? call->arguments[0] : 0;

    if (call->number == SYS_clone3)
        peek(&flags, call->arguments[0], sizeof flags);
    return call->number == SYS_vfork || (flags & (flag_vfork | flag_clear_handlers)) != 0;
}

/* The slot for calls from pc; ZK_CALL_SLOTS if all are taken. */
static unsigned slot_of(uintptr_t pc)
{
    unsigned i;

    for (i = 0; i < ZK_CALL_SLOTS; i++) {
        uintptr_t there = 0;

        if (atomic_compare_exchange_strong(&zk_call_slots[i], &there, pc) || there == pc)
            break;
    }
    return i;
}

/* Turns dispatch off for this thread, and lets the program make the call itself. */
static void step_aside(const struct call *call)
{
    const greg_t instruction_bytes = 2;

    atomic_store(&dispatch.missed, true);
    zk_call_raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0, 0);
    call->registers[REG_RIP] -= instruction_bytes;
}

static void make_another(const struct call *call)
{
    unsigned slot = slot_of(call->pc);
    char *to = goes_without(call) ? zk_call_vforks + slot * ZK_CALL_VFORK_BYTES
                                  : zk_call_clones + slot * ZK_CALL_CLONE_BYTES;

    if (slot == ZK_CALL_SLOTS)
        step_aside(call);
    else
        call->registers[REG_RIP] = (greg_t)(uintptr_t)to;
}

/* ---- The handler */

static void finish(const struct call *call, long result)
{
    call->registers[REG_RAX] = result;
}

/* Resumes the program in call.c, which makes the call. */
static void make_call(struct call *call)
{
    greg_t *registers = call->registers;
    uint64_t stack = (uint64_t)registers[REG_RSP] - ZK_CALL_STACK_BYTES;

    call->frame = (struct zk_call_frame *)(uintptr_t)stack;
    *call->frame = (struct zk_call_frame){.returns = call->pc,
                                          .number = (uint64_t)call->number,
                                          .rdi = (uint64_t)registers[REG_RDI],
                                          .rsi = (uint64_t)registers[REG_RSI],
                                          .r8 = (uint64_t)registers[REG_R8],
                                          .r9 = (uint64_t)registers[REG_R9],
                                          .r10 = (uint64_t)registers[REG_R10],
                                          .in_call = (uintptr_t)zk_trap_call_begins()};
    replace_masks(call);
    registers[REG_RAX] = call->number;
    registers[REG_RSP] = (greg_t)stack;
    registers[REG_RIP] = (greg_t)(uintptr_t)zk_call_stub;
}

static void handle(struct call *call)
{
    notice_fork();
    if (call->number == SYS_rt_sigreturn) {
        call->registers[REG_RIP] = (greg_t)(uintptr_t)zk_call_return;
        return;
    }
    if (call->number == SYS_exit_group && !zk_trap_is_inside())
        zk_audit_at_last();
    zk_trap_call_prepares();
    if (call->number == SYS_exit)
        zk_trap_caller_ends();
    else
        reach_all(call);
    if (call->number == SYS_rt_sigprocmask)
        finish(call, change_mask(call));
    else if (call->number == SYS_rt_sigaction && is_kept(call->arguments[0]))
        finish(call, keep_action(call));
    else if (makes_another(call->number))
        make_another(call);
    else
        make_call(call);
}

/* ---- EFAULT */

enum { words = 64, depth_max = 3 };

/* Opens what lies at address, what the words there point to, and so on to depth_max. True if there was
 * something to open. */
static bool search(const struct call *call, uint64_t address, unsigned depth)
{
    const uint64_t lowest = 1 << 16;
    uint64_t found[words] = {0};
    size_t bytes = sizeof found - (address & 7);
    bool any = false;

    if (zk_trap_is_sealed((const void *)address))
        any = zk_trap_reach((char *)address, ZK_ACCESS_READ, call->pc);
    if (depth == depth_max || address < lowest)
        return any;
    while (bytes >= sizeof *found && !peek(found, address, bytes))
        bytes /= 2; /* the end may not be mapped */
    for (size_t i = 0; i < bytes / sizeof *found; i++)
        any = (found[i] >= lowest && search(call, found[i], depth + 1)) || any;
    return any;
}

static long make_here(const struct call *call)
{
    const uint64_t *a = call->arguments;

    return zk_call_raw(call->number, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4],
                       (long)a[5]);
}

/* Makes the call with everything open. Makes it here, so that we know when to close again. */
static long make_desperately(const struct call *call)
{
    long result = -EFAULT;

    if (atomic_fetch_add(&dispatch.desperate, 1) >= desperate_max) {
        atomic_store(&dispatch.missed, true);
        return result;
    }
    if (!zk_trap_open_all())
        return result;
    result = make_here(call);
    zk_trap_close_all(result != -EFAULT);
    return result;
}

/* The call whose frame is at the stack pointer has failed with EFAULT. */
static void handle_fault(struct call *call)
{
    unsigned addresses;
    bool any = false;

    call->frame = (struct zk_call_frame *)(uintptr_t)call->registers[REG_RSP];
    call->number = (long)call->frame->number;
    call->pc = call->frame->returns;
    addresses = zk_call_addresses(call->number, call->arguments, true);
    for (unsigned i = 0; i < 6; i++)
        if ((addresses & 1u << i) != 0)
            any = search(call, call->arguments[i], 0) || any;
    if (!any) {
        finish(call, zk_trap_is_sealing() ? make_desperately(call) : -EFAULT);
        return;
    }
    call->registers[REG_RSP] += ZK_CALL_STACK_BYTES;
    make_call(call);
}

static void on_call(int signal, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    greg_t *registers = interrupted->uc_mcontext.gregs;
    struct call call = {.registers = registers,
                        .context = interrupted,
                        .number = registers[REG_RAX],
                        .arguments = {(uint64_t)registers[REG_RDI], (uint64_t)registers[REG_RSI],
                                      (uint64_t)registers[REG_RDX], (uint64_t)registers[REG_R10],
                                      (uint64_t)registers[REG_R8], (uint64_t)registers[REG_R9]},
                        .pc = (uintptr_t)registers[REG_RIP]};
    int saved = errno;

    if (info->si_code != SYS_USER_DISPATCH)
        zk_fatal_pass_on(signal, info, context, zk_dispatch_program_action(signal));
    else if (call.pc == (uintptr_t)zk_call_fault)
        handle_fault(&call);
    else
        handle(&call);
    errno = saved;
}

/* ---- Starting */

static bool turn_on(void)
{
    return zk_call_raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
                       (long)zk_call_begin,
                       (long)((uintptr_t)zk_call_end - (uintptr_t)zk_call_begin), 0, 0) == 0;
}

/* Unblocks the kept signals, which the program may have blocked before, in its mask or in the masks of its
 * handlers: while blocked, they would kill it. */
static void unblock_kept(void)
{
    const int signals = 64;
    uint64_t mask = ~without_kept(UINT64_MAX);

    zk_call_raw(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, sizeof mask, 0, 0);
    for (int signal = 1; signal <= signals; signal++) {
        struct sigaction action;
        sigset_t before;

        if (zk_call_sigaction(signal, NULL, &action) != 0 || action.sa_handler == SIG_DFL ||
            action.sa_handler == SIG_IGN)
            continue;
        before = action.sa_mask;
        for (size_t i = 0; i < kept_signals; i++)
            sigdelset(&action.sa_mask, kept[i]);
        if (memcmp(&before, &action.sa_mask, sizeof before) != 0)
            zk_call_sigaction(signal, &action, NULL);
    }
}

/* Not in a build for ThreadSanitizer: all of our functions call it, the handlers too, and a new thread makes system
 * calls before that works. */
#ifdef __SANITIZE_THREAD__
static const bool can_start = false;
#else
static const bool can_start = true;
#endif

void zk_dispatch_start(void (*on_fault)(int, siginfo_t *, void *))
{
    struct sigaction calls = {.sa_sigaction = on_call,
                              .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    struct sigaction faults = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigset_t all;

    if (!can_start || atomic_load(&dispatch.on))
        return;
    sigfillset(&all);
    for (size_t i = 0; i < kept_signals; i++) {
        sigdelset(&all, kept[i]);
        zk_call_sigaction(kept[i], NULL, &dispatch.program[i]);
    }
    calls.sa_mask = faults.sa_mask = all;
    notice_fork();
    if (zk_call_sigaction(SIGSYS, &calls, NULL) != 0)
        return;
    unblock_kept();
    if (!turn_on()) {
        zk_call_sigaction(SIGSYS, &dispatch.program[1], NULL);
        return;
    }
    atomic_store(&dispatch.on, true);
    zk_call_sigaction(SIGSEGV, &faults, NULL);
    /* If phases begin at breakpoints, their handler does not run on the program's alternate stack: that may be too
     * small for the first boundary, which opens the report. */
    if (getenv("ZK_ALLOC_BEGIN_AT") != NULL)
        faults.sa_flags &= ~SA_ONSTACK;
    zk_call_sigaction(SIGTRAP, &faults, NULL);
}

#else

void zk_dispatch_start(void (*on_fault)(int, siginfo_t *, void *))
{
    (void)on_fault;
}

bool zk_dispatch_is_on(void)
{
    return false;
}

bool zk_dispatch_sees_all(void)
{
    return false;
}

struct sigaction *zk_dispatch_program_action(int signal)
{
    (void)signal;
    return NULL;
}

#endif
