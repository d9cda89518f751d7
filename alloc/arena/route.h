/*
 * route.h - arena or system: decides where a block comes from that the fast path did not serve.
 */
#ifndef ZK_ROUTE_H
#define ZK_ROUTE_H

#include "caller.h"

#include <stdbool.h>
#include <stddef.h>

struct slab;

/* A request for a block, and its caller; align is a power of two. */
struct zk_wish {
    size_t size;
    size_t align;
    struct zk_caller caller;
    bool moves; /* a move, not an allocation: chaos does not count it, or MIN_BYTES would matter */
};

/* A block from wherever the settings and the phase say. NULL with ENOMEM. */
void *zk_route(struct zk_wish wish);

/* The same, zeroed. */
void *zk_zeroed(struct zk_wish wish);

/* Resizes the block at p as wished. On failure, NULL with ENOMEM, and p is untouched. For a wish of size 0, frees p and
 * returns NULL. zk_resize_sized is also given the size that p was requested with. */
void *zk_resize(void *p, struct zk_wish wish);
void *zk_resize_sized(void *p, size_t old_size, struct zk_wish wish);

/* A block from the arena, or NULL. *overflow says whether it should have come from the arena, but
 * there was no slab or no room. */
void *zk_route_arena(struct zk_wish wish, bool *overflow);

/* The calling thread has begun a phase. It may allocate nothing from the arena any more, since all of its blocks are small
 * or of sizes that are learned: now and then its slab is looked at all the same, so that memory is given back, and what
 * was learned is forgotten. */
void zk_route_begun(void);

/* In a phase, system serves a block of size bytes, a size that is learned. If most blocks are by now, what the slab of the
 * calling thread, `held`, does not need any more is given back: then true. */
bool zk_route_detour(struct slab *held, size_t size);

/* Would the arena serve a block of that size now, if it had room? */
bool zk_route_is_arenas(size_t size);

/* Grows the block at p from old_bytes to size, in place. False unless the calling thread holds its slab and
 * there is room. */
bool zk_route_grow(void *p, size_t old_bytes, size_t size);

#endif
