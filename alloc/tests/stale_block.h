/*
 * stale_block.h - shared by the tests of the trap: a block of the previous phase, and accesses to it
 * at known lines. Every body runs with ZK_ALLOC_AUDIT=trap.
 */
#ifndef ZK_STALE_BLOCK_H
#define ZK_STALE_BLOCK_H

#include "retained_blocks.h"

/* The file that the lines in used_at are in. */
static const char *const stale_block_file = __FILE__;
static unsigned used_at;

/* p may be a null pointer. */
__attribute__((no_sanitize("undefined"), unused)) SITE static char read_at(const volatile char *p,
                                                                           size_t offset)
{
    return AT(used_at, p[offset]);
}

SITE __attribute__((unused)) static void write_at(volatile char *p, size_t offset)
{
    AT(used_at, p[offset] = 1);
}

/* A block of the previous phase. */
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
