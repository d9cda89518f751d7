/*
 * route.h - arena or system: where a block comes from that the fast path did not serve.
 */
#ifndef ZK_ROUTE_H
#define ZK_ROUTE_H

#include "caller.h"

#include <stdbool.h>
#include <stddef.h>

/* What is asked for, and by whom; align is a power of two. */
struct zk_wish {
    size_t size;
    size_t align;
    struct zk_caller caller;
    bool
        moves; /* a block that is there already: no allocation to chaos, which counts the same under any
                   MIN_BYTES then */
};

/* A block from wherever the settings and the phase say. NULL with ENOMEM. */
void *zk_route(struct zk_wish wish);

/* The same, and it reads as 0. */
void *zk_zeroed(struct zk_wish wish);

/* What was at p becomes a block as wished. NULL with ENOMEM, and p is untouched; or NULL for a wish of size 0, and p is
 * freed. The second is told the size that p was asked for with. */
void *zk_resize(void *p, struct zk_wish wish);
void *zk_resize_sized(void *p, size_t old_size, struct zk_wish wish);

/* A block from the arena, or NULL when it is not the arena's to serve; *overflow when it is, and
 * there was no slab or no room. */
void *zk_route_arena(struct zk_wish wish, bool *overflow);

/* Would the arena serve a block of that size now, if it had room? */
bool zk_route_is_arenas(size_t size);

/* The block at p, of old_bytes, becomes one of size bytes, more than that, where it is. False unless the calling
 * thread can do that at once. */
bool zk_route_grow(void *p, size_t old_bytes, size_t size);

#endif
