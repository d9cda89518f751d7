/*
 * tenure.h - pretenuring: learns which sizes are not worth serving from the arena, and leaves them to system.
 *
 * Pinned keeps a chunk as long as any block in it lives. That is cheap if the blocks that outlive their phase lie side
 * by side, or are large, and expensive if they are scattered: then most of what is kept is dead. Once there is too much
 * of this waste, the sizes of the live blocks amid it are learned, and system serves them from then on. So the slabs
 * rewind again, or drain, and where recycling does not pay, pinned takes no more memory than system.
 */
#ifndef ZK_TENURE_H
#define ZK_TENURE_H

#include "slab.h"
#include "zkalloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks of at least this size have their chunks to themselves, and waste little. */
#define ZK_TENURE_BELOW ((size_t)ZK_LARGE_FROM)

/* One bit for each class of sizes: four to a doubling, from 16 bytes (or less) up to ZK_TENURE_BELOW. */
extern __attribute__((visibility("hidden"))) _Atomic uint64_t zk_tenured;

/* The class of a size, which must be rounded up to granules, and below ZK_TENURE_BELOW. */
static inline unsigned zk_tenure_class(size_t size)
{
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size | 16);

    return size < 16 ? 0 : (log2 - 4) * 4 + (unsigned)(size >> (log2 - 2)) % 4;
}

/* Does system serve blocks of this size in phases, too? */
static inline bool zk_is_tenured(size_t size)
{
    /* Relaxed: a thread that sees the change late serves from the arena until then, which is correct
     * too. */
    uint64_t tenured = atomic_load_explicit(&zk_tenured, memory_order_relaxed);

    size_t rounded = zk_in_granules(size);

    return __builtin_expect(tenured != 0, 0) && rounded - 1 < ZK_TENURE_BELOW - 1 &&
           (tenured >> zk_tenure_class(rounded) & 1) != 0;
}

/* The smallest size of at least `least` such that neither it nor any larger one is tenured. */
size_t zk_tenure_floor(size_t least);

/* The dead bytes in chunks that slabs keep, without those in pages that were given back, have grown by `more` (or
 * shrunk, if negative). */
void zk_tenure_waste(int64_t more);

/* Is more wasted, in all slabs together, than is allowed with live_bytes alive and phase_bytes taken by a phase? */
bool zk_tenure_is_due(size_t live_bytes, size_t phase_bytes);

/* Learns these classes: blocks of them were found alive amid waste, in the phase of word. */
void zk_tenure_learn(uint64_t classes, uint64_t word);

/* From time to time, forgets what was learned, to give those sizes another chance; each time it waits longer. */
void zk_tenure_review(uint64_t word);

/* The program discards phases, so it may never free its blocks, and system would keep them for ever. Forgets all,
 * and learns nothing more. */
void zk_tenure_stop(void);

/* Fills in the tenured_* fields. */
void zk_tenure_stats(struct zk_stats *stats);

#endif
