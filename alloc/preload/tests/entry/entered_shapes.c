/*
 * entered_shapes.c - functions that start with each kind of instruction that cannot simply be executed elsewhere. Each
 * adds its argument to a value that its first instruction obtains: shape_NAME(x) must return the same as without a
 * breakpoint.
 */
#include "entered.h"

#include <stdlib.h>

#define SHAPE(name, body)                                                                          \
    long shape_##name(long x);                                                                     \
    __asm__(".text\n.type shape_" #name ", %function\n.globl shape_" #name "\nshape_" #name        \
            ":\n" body "\n.size shape_" #name ", .-shape_" #name "\n")

#if defined __x86_64__
__asm__(".data\nshape_value: .quad 40\nshape_pointer: .quad shape_add\n.text\n"
        "shape_add: lea 40(%rdi), %rax\nret\n"
        "shape_load: mov shape_value(%rip), %rax\nret\n");
SHAPE(push, "push %rbx\nmov %rdi, %rbx\nlea 40(%rbx), %rax\npop %rbx\nret");
SHAPE(jump, "jmp 1f\n.skip 3, 0xF4\n1: lea 40(%rdi), %rax\nret");
SHAPE(jump_far, ".byte 0xE9\n.long shape_add - . - 4");
SHAPE(call, "call shape_load\nadd %rdi, %rax\nret");
SHAPE(near, "mov shape_value(%rip), %rax\nadd %rdi, %rax\nret");
SHAPE(if, "jc 1f\nlea 40(%rdi), %rax\nret\n1: lea 41(%rdi), %rax\nret");
SHAPE(if_not,
      ".byte 0x0F, 0x83\n.long 1f - . - 4\nlea 41(%rdi), %rax\nret\n1: lea 40(%rdi), %rax\nret");
SHAPE(address, "lea shape_value(%rip), %rax\nmov (%rax), %rax\nadd %rdi, %rax\nret");
SHAPE(stored, "call *shape_pointer(%rip)\nret");
SHAPE(sub,
      "subq $128, %rsp\nmovq $40, 8(%rsp)\nmov %rdi, %rax\nadd 8(%rsp), %rax\nadd $128, %rsp\nret");
/* Calls with the carry flag set, and with it cleared. */
#define CALL_WITH(name, set)                                                                       \
    static long name(long (*shape)(long x), long x)                                                \
    {                                                                                              \
        long result;                                                                               \
                                                                                                   \
        __asm__ volatile(set "\ncall *%1"                                                          \
                         : "=a"(result)                                                            \
                         : "r"(shape), "D"(x)                                                      \
                         : "cc", "memory", "rcx", "rdx", "rsi");                                   \
        return result;                                                                             \
    }
CALL_WITH(with_carry, "stc")
CALL_WITH(without_carry, "clc")
#elif defined __aarch64__
__asm__(".data\n.align 3\nshape_value: .quad 40\n.text\n.align 3\nshape_near_value: .quad 40\n"
        "shape_add: add x0, x0, #40\nret\n"
        "shape_load: adrp x1, shape_value\nldr x1, [x1, :lo12:shape_value]\nret\n");
SHAPE(push, "stp x29, x30, [sp, #-16]!\nadd x0, x0, #40\nldp x29, x30, [sp], #16\nret");
SHAPE(jump, "b 1f\nbrk #1\n1: add x0, x0, #40\nret");
SHAPE(jump_far, "b shape_add");
SHAPE(call, "bl 1f\nadd x0, x0, x1\nret x9\n1: mov x1, #40\nret");
SHAPE(near, "ldr x1, shape_near_value\nadd x0, x0, x1\nret");
SHAPE(if, "b.cs 1f\nadd x0, x0, #40\nret\n1: add x0, x0, #41\nret");
SHAPE(if_not, "b.cc 1f\nadd x0, x0, #41\nret\n1: add x0, x0, #40\nret");
SHAPE(address, "adrp x1, shape_value\nldr x1, [x1, :lo12:shape_value]\nadd x0, x0, x1\nret");
SHAPE(stored, "tbnz x0, #63, 1f\nadd x0, x0, #40\nret\n1: add x0, x0, #40\nret");
SHAPE(sub,
      "sub sp, sp, #128\nmov x1, #40\nstr x1, [sp, #8]\nadd x0, x0, x1\nadd sp, sp, #128\nret");
#define CALL_WITH(name, set)                                                                       \
    static long name(long (*shape)(long x), long x)                                                \
    {                                                                                              \
        register long result __asm__("x0") = x;                                                    \
                                                                                                   \
        __asm__ volatile(set "\nadr x9, 2f\nblr %1\n2:"                                            \
                         : "+r"(result)                                                            \
                         : "r"(shape)                                                              \
                         : "cc", "memory", "x1", "x9", "x30");                                     \
        return result;                                                                             \
    }
CALL_WITH(with_carry, "mov x9, #1\ncmp x9, #0")
CALL_WITH(without_carry, "mov x9, #0\ncmp x9, #1")
#endif

/* The result is x + 40, except for shapes that test the carry flag: x + 41 with it, or without. */
static const struct shape {
    const char *name;
    long (*shape)(long x);
    long with;
    long without;
} shapes[] = {{"push", shape_push, 40, 40},         {"jump", shape_jump, 40, 40},
              {"jump_far", shape_jump_far, 40, 40}, {"call", shape_call, 40, 40},
              {"near", shape_near, 40, 40},         {"if", shape_if, 41, 40},
              {"if_not", shape_if_not, 41, 40},     {"address", shape_address, 40, 40},
              {"stored", shape_stored, 40, 40},     {"sub", shape_sub, 40, 40}};

int main(void)
{
    uint64_t entered = 0;

    deadline(50);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (long x = -2; x < 3; x++, entered += 2) {
            long with = with_carry(shapes[i].shape, x);
            long without = without_carry(shapes[i].shape, x);

            if (with != x + shapes[i].with || without != x + shapes[i].without)
                fail("%s(%ld): %ld with carry, %ld without", shapes[i].name, x, with, without);
        }
    expect_phases(entered);
    return 0;
}
