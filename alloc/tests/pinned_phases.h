/*
 * pinned_phases.h - shared by the tests of pinned recycling: one phase after another.
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

/* Begins the next phase, and has the calling thread's slab recycled for it. */
static inline void next_phase(void)
{
    begin_phase();
    zk_free(arena_block(16));
}

/* The same, after ending the active phase. */
static inline void end_and_begin(void)
{
    end_phase();
    next_phase();
}

#define PINNED_SMALL .env = {ALL_SIZES, SLAB_64M}

#endif
