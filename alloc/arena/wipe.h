/*
 * wipe.h - overwrites dead bytes of the arena with zeros, so that no later owner, and no dump of the process, finds
 * what was there.
 */
#ifndef ZK_WIPE_H
#define ZK_WIPE_H

#include "slab.h"

/* Zeroes the part of [start, end) that has been used, in a way that the compiler cannot remove. The range
 * must belong to no block. */
void zk_wipe_used(const struct slab *slab, char *start, char *end);

/* Must memory be wiped when slabs are recycled, and before it is served again: by the settings, or since zk_wipe_all
 * was called? Once true, stays true. */
bool zk_wipes(void);

/* Has zk_wipe_all wiped everything dead in the slab since it last served a block or had one freed?
 * Holder only. */
bool zk_wipe_is_done(const struct slab *slab);

/* Call when the slab has just been recycled: wipes it if that is due. done: it had been wiped before.
 * Holder only. */
void zk_wipe_recycled(struct slab *slab, bool done);

/* Wipes everything dead in every slab. The caller holds the phase lock, so that no phase can begin; between: no phase
 * is active either. False if not all could be wiped: the rest is done when its slab is next recycled. */
bool zk_wipe_all(bool between);

/* Is it time to look for idle slabs, before the phase of word begins? */
bool zk_wipe_idle_is_due(uint64_t word);

/* Gives back the dead memory of slabs whose threads are alive, but have not allocated from them for many phases: a pool's
 * idle workers would keep it for ever. The caller holds the phase lock, and no phase is active. */
void zk_wipe_idle(uint64_t word);

#endif
