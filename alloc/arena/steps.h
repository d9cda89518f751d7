/*
 * steps.h - the steps of a route, where nothing is special. malloc.c and route.c go them; so does rarely.c, with
 * something in between.
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

/* Acquire: pairs with the store in set_word, so that settings and region are there to be read. */
static inline uint64_t zk_phase_word_seen(void)
{
    return atomic_load_explicit(&zk_phase_word, memory_order_acquire);
}

/* Is a block of size bytes none of the arena's: outside of phases, below MIN_BYTES, or of a size that does not pay
 * there? */
static inline bool zk_is_systems(uint64_t word, size_t size)
{
    return !zk_phase_word_active(word) || size < zk_settings.min_bytes || zk_is_tenured(size);
}

/* zk_route, for a thread that holds `held`. */
void *zk_route_by(struct slab *held, struct zk_wish wish);

/* For a thread that holds `held`; word is that of an active phase. NULL when its slab has no room, or it gets none. */
void *zk_carve(struct slab *held, struct zk_wish wish, uint64_t word);

/* From system: tries again when it has no memory, if the arena can spare some. NULL with ENOMEM. */
void *zk_from_system(struct zk_wish wish);
void *zk_zeroed_from_system(struct zk_wish wish);

/* System has no memory. If the arena has address space that it has never used, and that might do, it is given back,
 * and system is asked once more. */
void *zk_ask_system_again(struct zk_wish wish);

/* p, which system served in the arena's place, is counted; nothing if that is NULL. */
void zk_count_system(const void *p, size_t size, bool overflow);

/* Clears bytes at p, which the arena has just served to the calling thread. */
void zk_clear(char *p, size_t bytes);

/* Back to where p came from. */
void zk_free_plainly(void *p);

#endif
