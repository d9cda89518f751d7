/*
 * pinned_phases.h - what the tests of pinned recycling share: one phase after another.
 */
#ifndef ZK_PINNED_PHASES_H
#define ZK_PINNED_PHASES_H

#include "fresh.h"

#include "slab.h"

#define NESTED "ZK_ALLOC_NESTING=recycle"

static inline size_t chunk_bytes(void)
{
    return zk_chunk_bytes();
}

/* Starts the next phase; the calling thread's slab is recycled for it. */
static inline void next_phase(void)
{
    begin_phase();
    zk_free(arena_block(16));
}

/* The same, from a phase. */
static inline void end_and_begin(void)
{
    end_phase();
    next_phase();
}

#define PINNED_SMALL .env = {ALL_SIZES, SLAB_64M}

#endif
