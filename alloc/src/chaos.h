/*
 * chaos.h - phase boundaries where nobody expects them: about every N allocations, at random, on
 * whatever thread happens to allocate. To phases it is what a thread sanitizer's delays are to races.
 */
#ifndef ZK_CHAOS_H
#define ZK_CHAOS_H

#include "rare.h"

#include <stddef.h>
#include <stdint.h>

/* As the settings say; by the first thread, before main. */
void zk_chaos_start(void);

/* So many allocations have been made: there may be a boundary now. */
void zk_chaos_count(uint64_t allocations);

/* How many bytes the fast path may serve until it is counted what it served. */
size_t zk_chaos_stride(void);

#endif
