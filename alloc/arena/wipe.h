/*
 * wipe.h - dead bytes of the arena are overwritten with zeros, so that no later owner, and no dump of the process, finds
 * what was there.
 */
#ifndef ZK_WIPE_H
#define ZK_WIPE_H

#include "slab.h"

/* Overwrites what has been used of [start, end), which is nobody's, whatever the compiler makes of that. */
void zk_wipe_used(const struct slab *slab, char *start, char *end);

/* Are slabs to be wiped when they are recycled, and what bumping comes to before it is served: by the settings, or since
 * zk_wipe_all was called. Once true, it stays so. */
bool zk_wipes(void);

/* Has zk_wipe_all wiped all that is dead in it since its last block was served? Holder only. */
bool zk_wipe_is_done(const struct slab *slab);

/* The slab has just been recycled, and was wiped before or not: wipes it if that is due. Holder only. */
void zk_wipe_recycled(struct slab *slab, bool done);

/* Wipes all that is dead in every slab, by a thread that keeps phases from beginning; between: and none is active. False
 * if not all could be wiped: then that is done when it is next recycled, if not before. */
bool zk_wipe_all(bool between);

#endif
