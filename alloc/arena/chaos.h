/*
 * chaos.h - phase boundaries where nobody expects them: about every N allocations, at random, on
 * whatever thread happens to allocate. To phases it is what a thread sanitizer's delays are to races.
 */
#ifndef ZK_CHAOS_H
#define ZK_CHAOS_H

#include "rare.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the settings say; when the library is loaded. */
void zk_chaos_start(void);

/* Is there to be a boundary now? *begin: one after which a phase is active. Under the phase lock. */
bool zk_chaos_due(bool *begin);

/* So many allocations have been made: there may be a boundary now. */
void zk_chaos_count(uint64_t allocations);

/* How many bytes the fast path may serve until it is counted what it served. */
size_t zk_chaos_stride(void);

#endif
