/*
 * tenure.h - pretenuring: which sizes do not pay in the arena, and go to system.
 *
 * Pinned keeps a chunk as long as one block in it lives. That is cheap when blocks that outlive their phase lie side
 * by side, or are large, and dear when one lives here and one there: then most of what is kept is dead. When such waste
 * is more than it may be, the sizes of the blocks that live in it are learned, and system serves them from then on. So
 * the slabs rewind again, and pinned costs no more than system where recycling does not pay.
 */
#ifndef ZK_TENURE_H
#define ZK_TENURE_H

#include "slab.h"
#include "zkalloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks of at least this size have chunks to themselves, and waste little. */
#define ZK_TENURE_BELOW ((size_t)ZK_LARGE_FROM)

/* One bit for each class of sizes: four to a doubling, from 16 bytes (and what is less) up to ZK_TENURE_BELOW. */
extern _Atomic uint64_t zk_tenured;

/* Of a size that is rounded up as blocks are, and below ZK_TENURE_BELOW. */
static inline unsigned zk_tenure_class(size_t size)
{
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size | 16);

    return size < 16 ? 0 : (log2 - 4) * 4 + (unsigned)(size >> (log2 - 2)) % 4;
}

/* Does system serve blocks of this size in phases, too? */
static inline bool zk_is_tenured(size_t size)
{
    /* Relaxed: whoever learns of it later serves from the arena meanwhile, which is right as well. */
    uint64_t tenured = atomic_load_explicit(&zk_tenured, memory_order_relaxed);

    size_t rounded = zk_in_granules(size);

    return __builtin_expect(tenured != 0, 0) && rounded - 1 < ZK_TENURE_BELOW - 1 &&
           (tenured >> zk_tenure_class(rounded) & 1) != 0;
}

/* The smallest size, and at least `least`, from which on none is served by system for this reason. */
size_t zk_tenure_floor(size_t least);

/* A slab keeps chunks with so much more in them that is dead, in bytes (or less, if negative). */
void zk_tenure_waste(int64_t more);

/* Is more wasted, in all slabs together, than there may be where kept bytes live and a phase takes phase_bytes? */
bool zk_tenure_is_due(size_t live_bytes, size_t phase_bytes);

/* Blocks of these classes were found to live among the dead, in the phase of word. */
void zk_tenure_learn(uint64_t classes, uint64_t word);

/* From time to time, what was learned is given another chance, which it gets the later the more often it had one. */
void zk_tenure_review(uint64_t word);

/* The program discards phases. What it does not free, system would keep for ever: nothing is learned any more. */
void zk_tenure_stop(void);

/* Fills in what is learned. */
void zk_tenure_stats(struct zk_stats *stats);

#endif
