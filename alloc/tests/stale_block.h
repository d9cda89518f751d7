/*
 * stale_block.h - what the tests of the trap share: a block of the phase before, and accesses to it,
 * each at a line that is known. Every body runs with ZK_ALLOC_AUDIT=trap.
 */
#ifndef ZK_STALE_BLOCK_H
#define ZK_STALE_BLOCK_H

#include "retained_blocks.h"

/* Where the lines are that used_at tells of. */
static const char *const stale_block_file = __FILE__;
static unsigned used_at;

/* A null pointer's as well. */
__attribute__((no_sanitize("undefined"), unused)) SITE static char read_at(const volatile char *p,
                                                                           size_t offset)
{
    return AT(used_at, p[offset]);
}

SITE __attribute__((unused)) static void write_at(volatile char *p, size_t offset)
{
    AT(used_at, p[offset] = 1);
}

/* A block of the phase before. */
static inline char *stale_block(size_t size)
{
    char *p;

    next_phase();
    p = make(size);
    memset(p, 7, size);
    next_phase();
    return p;
}

#define TRAP_ALL   .env = {TRAP, ALL_SIZES}
#define TRAP_FATAL .env = {TRAP, ALL_SIZES, TO_DEV_NULL}
#define DIES       .status = 128 + SIGSEGV, .says = {"dies of signal 11"}

#endif
