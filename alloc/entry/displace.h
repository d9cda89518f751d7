/*
 * displace.h - executes an instruction out of line. A breakpoint is never removed, so no thread can slip past it; the
 * instruction that it covers is executed from a copy, or emulated ("by hand").
 *
 * The copy is followed by a jump to the instruction after the original, so there is no single-stepping: an entry
 * costs one signal. Nothing here allocates, and all of it can be called in a signal handler.
 */
#ifndef ZK_DISPLACE_H
#define ZK_DISPLACE_H

#include <stddef.h>
#include <stdint.h>

enum {
    ZK_INSTRUCTION_MAX =
        16,             /* bytes that zk_displace may read; at the end of a text there is padding */
    ZK_COPY_BYTES = 32, /* room for a copy and its jump */
};

/* What has to be emulated, since it depends on where the instruction is. */
enum zk_by_hand {
    ZK_COPIED, /* nothing: there is a copy */
    ZK_JUMPS,
    ZK_CALLS,
    ZK_CALLS_STORED, /* the function whose address is stored at target */
    ZK_JUMPS_IF,     /* if condition holds */
    ZK_JUMPS_IF_ZERO,
    ZK_JUMPS_IF_BIT,
    ZK_SETS, /* sets a register to target, a pc-relative address */
    ZK_LOADS,
};

struct zk_displaced {
    enum zk_by_hand by_hand;
    uintptr_t copy;   /* the address to continue at, if ZK_COPIED */
    uintptr_t next;   /* address of the instruction after the original */
    uintptr_t target; /* the address that the instruction refers to, if not ZK_COPIED */
    unsigned condition;
    unsigned reg;
    unsigned bit;
    unsigned wide;   /* uses 64 bits of the register, not 32 */
    unsigned negate; /* jumps if not zero, or if the bit is set; a load sign-extends */
};

/* The bytes of a breakpoint instruction, and how many they are. */
extern const unsigned char zk_breakpoint_bytes[];
extern const size_t zk_breakpoint_length;

/* How far from the original a copy may be, in bytes. */
extern const size_t zk_copy_distance;

/* Length in bytes of the instruction at code; 0 if unknown. Always 4 on aarch64. */
size_t zk_instruction_length(const unsigned char *code);

/* Prepares to execute elsewhere the instruction at address, whose bytes are in code. Writes up to ZK_COPY_BYTES to
 * room, which will be executed at copy. Returns NULL, or the reason why the instruction cannot be displaced. */
const char *zk_displace(const unsigned char *code, uintptr_t address, unsigned char *room,
                        uintptr_t copy, struct zk_displaced *out);

/* In the handler of SIGTRAP: the address of the breakpoint that the thread of context (a ucontext_t) has hit, if
 * it has hit one. */
uintptr_t zk_displaced_at(const void *context);

/* In the handler of SIGTRAP: makes the thread continue as if it had executed the original
 * instruction. */
void zk_displaced_go(const struct zk_displaced *displaced, void *context);

#endif
