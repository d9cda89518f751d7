/*
 * displace.h - an instruction that is executed elsewhere. A breakpoint stays where it is, and no thread ever runs
 * past it: the instruction that it lies on is carried out of line, or by hand.
 *
 * A copy is followed by a jump to the instruction after the original one, so that nothing is single-stepped: an entry
 * costs one signal. Needs nothing, allocates nothing, and can be called in a signal handler.
 */
#ifndef ZK_DISPLACE_H
#define ZK_DISPLACE_H

#include <stddef.h>
#include <stdint.h>

enum {
    ZK_INSTRUCTION_MAX =
        16, /* bytes that zk_displace may read: what lies behind a text is its padding */
    ZK_COPY_BYTES = 32, /* room for a copy and its jump */
};

/* What has to be done by hand, since it depends on where the instruction is. */
enum zk_by_hand {
    ZK_COPIED, /* nothing: there is a copy */
    ZK_JUMPS,
    ZK_CALLS,
    ZK_CALLS_STORED, /* the function whose address lies at target */
    ZK_JUMPS_IF,     /* condition holds */
    ZK_JUMPS_IF_ZERO,
    ZK_JUMPS_IF_BIT,
    ZK_SETS, /* a register to target: the address of something near */
    ZK_LOADS,
};

struct zk_displaced {
    enum zk_by_hand by_hand;
    uintptr_t copy;   /* the address to go on at, if ZK_COPIED */
    uintptr_t next;   /* of the instruction after the original */
    uintptr_t target; /* otherwise */
    unsigned condition;
    unsigned reg;
    unsigned bit;
    unsigned wide;   /* 64 bits of the register, not 32 */
    unsigned negate; /* jumps if not zero, or if the bit is set; a load is one with sign */
};

/* How many bytes the breakpoint takes, and what they are. */
extern const unsigned char zk_breakpoint_bytes[];
extern const size_t zk_breakpoint_length;

/* How far from the original a copy may be, in bytes. */
extern const size_t zk_copy_distance;

/* Bytes of the instruction at code, or 0 if it is not known. x86-64 only; 4 elsewhere. */
size_t zk_instruction_length(const unsigned char *code);

/* Prepares to carry out the instruction of which code is a copy and which runs at address. Writes up to ZK_COPY_BYTES
 * to room, which will be run at copy. Returns NULL, or what there is about the instruction that cannot be displaced. */
const char *zk_displace(const unsigned char *code, uintptr_t address, unsigned char *room,
                        uintptr_t copy, struct zk_displaced *out);

/* In the handler of SIGTRAP: the address of the breakpoint that context (a ucontext_t) has run into, if it has. */
uintptr_t zk_displaced_at(const void *context);

/* In the handler of SIGTRAP: lets the thread go on as if the instruction had been where it was. */
void zk_displaced_go(const struct zk_displaced *displaced, void *context);

#endif
