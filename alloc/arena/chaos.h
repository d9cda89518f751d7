/*
 * chaos.h - phase boundaries where nobody expects them: about every N allocations, at random, on
 * whatever thread happens to allocate. Does for phase bugs what random delays do for races.
 */
#ifndef ZK_CHAOS_H
#define ZK_CHAOS_H

#include "rare.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Turns chaos on if the settings ask for it. Called when the library is loaded. */
void zk_chaos_start(void);

/* Is a boundary due now? *begin says whether a phase is active after it. Call with the phase lock
 * held. */
bool zk_chaos_due(bool *begin);

/* Counts allocations that have been made, and makes a boundary if one is due. */
void zk_chaos_count(uint64_t allocations);

/* How many bytes the fast path may serve before its allocations are counted again. */
size_t zk_chaos_stride(void);

#endif
