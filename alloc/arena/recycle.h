/*
 * recycle.h - what a begin does to a slab.
 */
#ifndef ZK_RECYCLE_H
#define ZK_RECYCLE_H

#include "slab.h"

/* 64 phases, as a phase word counts them, by two. What a slab has not used for so long is looked at. */
enum { ZK_LONG_UNUSED = 2 * 64 };

/* Recycles the calling thread's slab for the phase of word; called at its first allocation in that
 * phase.
 */
void zk_recycle(struct slab *slab, uint64_t word);

/* Has its holder, in the phase of word, not allocated from it for so long that what it holds is to be looked at all the
 * same? Holder only. */
bool zk_recycle_is_due(const struct slab *slab, uint64_t word);

#endif
