/*
 * call.c - the instructions that make system calls on x86-64, in a section of their own. dispatch.c sends the
 * program's calls through here too: they are made with the program's registers unchanged, and can be
 * interrupted, restarted, cancelled and jumped out of as usual.
 */
#include "call.h"
#include "call_frame.h"

#include <stdint.h>
#include <string.h>

#if defined __x86_64__

__attribute__((visibility("hidden"))) _Atomic uintptr_t zk_call_slots[ZK_CALL_SLOTS];

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

#define STACK_BYTES  TEXT(ZK_CALL_STACK_BYTES)
#define FAULT_NUMBER TEXT(ZK_CALL_FAULT_NUMBER)

/* zk_call_return: where our own signal handlers return to. Unwinders and debuggers recognise a signal frame by the
 * bytes of these two instructions, and only where there is no unwind information.
 *
 * zk_call_stub: makes the program's call. Its frame (struct zk_call_frame) lies below the red zone of the program's
 * stack. Registers that may have been changed for the call are restored, since the kernel would have preserved
 * them. On EFAULT, control goes back to the handler through a system call that is dispatched.
 *
 * zk_call_clones[N]: a call that makes a thread or a process, and so has no frame; parent and child both continue
 * at slot N. The child first turns dispatch back on, which the kernel has turned off for it. zk_call_vforks[N]: for
 * a child that shares the stack or has no handlers, and so leaves dispatch off. */
__asm__(
    ".set .Lstack_bytes, " STACK_BYTES "\n"
    ".set .Lfault_number, " FAULT_NUMBER "\n"
    ".macro zk_with_frame\n"
    "  .cfi_startproc\n"
    "  .cfi_def_cfa %rsp, .Lstack_bytes\n"
    "  .cfi_offset %rip, -.Lstack_bytes\n"
    ".endm\n"
    ".macro zk_return\n" /* from the frame to the program */
    "  ret $.Lstack_bytes - 8\n"
    ".endm\n"
    ".pushsection .text.zk_call,\"ax\",@progbits\n"
    ".balign 64\n"
    ".hidden zk_call_begin, zk_call_end, zk_call_return, zk_call_stub, zk_call_fault\n"
    ".hidden zk_call_raw, zk_call_clones, zk_call_vforks, zk_call_slots\n"
    ".globl zk_call_begin, zk_call_end, zk_call_return, zk_call_stub, zk_call_fault\n"
    ".globl zk_call_raw, zk_call_clones, zk_call_vforks\n"
    "zk_call_begin:\n"
    "  nop\n"
    "zk_call_return:\n"
    "  mov $15, %rax\n"
    "  syscall\n"
    "  hlt\n"
    ".type zk_call_raw, @function\n"
    "zk_call_raw:\n"
    "  .cfi_startproc\n"
    "  mov %rdi, %rax\n"
    "  mov %rsi, %rdi\n"
    "  mov %rdx, %rsi\n"
    "  mov %rcx, %rdx\n"
    "  mov %r8, %r10\n"
    "  mov %r9, %r8\n"
    "  mov 8(%rsp), %r9\n"
    "  syscall\n"
    "  ret\n"
    "  .cfi_endproc\n"
    ".size zk_call_raw, . - zk_call_raw\n"
    "  zk_with_frame\n"
    "zk_call_stub:\n"
    "  syscall\n"
    "  mov 112(%rsp), %rcx\n"
    "  movl $0, (%rcx)\n"
    "  mov 16(%rsp), %rdi\n"
    "  mov 24(%rsp), %rsi\n"
    "  mov 32(%rsp), %r8\n"
    "  mov 40(%rsp), %r9\n"
    "  mov 48(%rsp), %r10\n"
    "  lea 14(%rax), %rcx\n"
    "  jrcxz 1f\n"
    "  zk_return\n"
    "1: mov $.Lfault_number, %eax\n"
    "  jmp zk_call_fault_call\n"
    "  .cfi_endproc\n"
    ".macro zk_slot i\n"
    "  syscall\n"
    "  mov %rax, %rcx\n"
    "  jrcxz 1f\n"
    "  jmp *zk_call_slots+8*\\i(%rip)\n"
    "1: lea -128(%rsp), %rsp\n"
    "  push %rdi\n"
    "  push %rsi\n"
    "  push %rdx\n"
    "  push %r8\n"
    "  push %r10\n"
    "  mov $157, %eax\n" /* prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, begin, bytes, NULL) */
    "  mov $59, %edi\n"
    "  mov $1, %esi\n"
    "  lea zk_call_begin(%rip), %rdx\n"
    "  mov $zk_call_end - zk_call_begin, %r10\n"
    "  xor %r8d, %r8d\n"
    "  syscall\n"
    "  pop %r10\n"
    "  pop %r8\n"
    "  pop %rdx\n"
    "  pop %rsi\n"
    "  pop %rdi\n"
    "  lea 128(%rsp), %rsp\n"
    "  xor %eax, %eax\n"
    "  jmp *zk_call_slots+8*\\i(%rip)\n"
    ".balign 128\n"
    ".endm\n"
    ".balign 128\n"
    "zk_call_clones:\n"
    ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "  zk_slot \\i\n"
    ".endr\n"
    "zk_call_vforks:\n"
    ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "  syscall\n"
    "  jmp *zk_call_slots+8*\\i(%rip)\n"
    "  .balign 16\n"
    ".endr\n"
    "  nop\n"
    "zk_call_end:\n"
    "  nop\n"
    "  zk_with_frame\n"
    "zk_call_fault_call:\n"
    "  syscall\n"
    "zk_call_fault:\n"
    "  zk_return\n"
    "  .cfi_endproc\n"
    ".popsection\n");

/* As the kernel has it. */
struct kernel_action {
    void (*handler)(int signal);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

int zk_call_sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    const unsigned long has_restorer = 0x04000000;
    struct kernel_action to = {0};
    struct kernel_action from = {0};
    long result;

    if (action != NULL) {
        to.handler = action->sa_handler;
        to.flags = (unsigned long)(unsigned)action->sa_flags | has_restorer;
        to.restorer = zk_call_return;
        memcpy(&to.mask, &action->sa_mask, sizeof to.mask);
    }
    result = zk_call(SYS_rt_sigaction, signal, action == NULL ? 0 : (long)&to, (long)&from,
                     sizeof to.mask, 0, 0);
    if (result == 0 && before != NULL) {
        memset(before, 0, sizeof *before);
        before->sa_handler = from.handler;
        before->sa_flags = (int)(from.flags & ~has_restorer);
        memcpy(&before->sa_mask, &from.mask, sizeof from.mask);
    }
    return (int)result;
}

#else

int zk_call_sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    return sigaction(signal, action, before);
}

#endif
