/*
 * recycle.h - what a begin does to a slab.
 */
#ifndef ZK_RECYCLE_H
#define ZK_RECYCLE_H

#include "slab.h"

/* Recycles the calling thread's slab; called at its first allocation of a new phase. */
void zk_recycle(struct slab *slab);

#endif
