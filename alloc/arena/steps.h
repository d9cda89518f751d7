/*
 * steps.h - the steps of the slow path that malloc.c and route.c share with rarely.c, which adds its special
 * cases in between.
 */
#ifndef ZK_STEPS_H
#define ZK_STEPS_H

#include "config.h"
#include "phase.h"
#include "route.h"
#include "tenure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab;

/* Acquire: pairs with the store in set_word, so that the settings and the region can be read. */
static inline uint64_t zk_phase_word_seen(void)
{
    return atomic_load_explicit(&zk_phase_word, memory_order_acquire);
}

/* Is a block of size bytes none of the arena's: outside of phases, or below MIN_BYTES? */
static inline bool zk_is_outside(uint64_t word, size_t size)
{
    return !zk_phase_word_active(word) || size < zk_settings.min_bytes;
}

/* Should system serve a block of size bytes: one of those, or of a size that pretenuring has learned? */
static inline bool zk_is_systems(uint64_t word, size_t size)
{
    return zk_is_outside(word, size) || zk_is_tenured(size);
}

/* zk_route, for the calling thread, which holds `held`. */
void *zk_route_by(struct slab *held, struct zk_wish wish);

/* A block from the slab of the calling thread, which holds `held` (perhaps zk_no_slab). word is that of an active
 * phase. NULL if the slab has no room, or there is no slab for the thread. */
void *zk_carve(struct slab *held, struct zk_wish wish, uint64_t word);

/* A block from system. If that has no memory and the arena can spare some address space, tries
 * again. NULL with ENOMEM. */
void *zk_from_system(struct zk_wish wish);
void *zk_zeroed_from_system(struct zk_wish wish);

/* System has no memory. If the arena has enough address space that it has never used, gives that back, and asks
 * system once more. */
void *zk_ask_system_again(struct zk_wish wish);

/* Counts p, which system served, unless it is NULL. overflow: it should have come from the arena. */
void zk_count_system(const void *p, size_t size, bool overflow);

/* Zeroes the block at p, which the arena has just served to the calling thread. */
void zk_clear(char *p, size_t bytes);

/* Frees p, to arena or system, without any special case. */
void zk_free_plainly(void *p);

#endif
