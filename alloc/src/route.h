/*
 * route.h - arena or system: where a block comes from that the fast path did not serve.
 */
#ifndef ZK_ROUTE_H
#define ZK_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

/* A block from wherever the settings and the phase say; align is a power of two. NULL with ENOMEM.
 */
void *zk_route_aligned(size_t align, size_t size);

/* A block from the arena, or NULL when it is not the arena's to serve; *overflow when it is, and
 * there was no slab or no room. */
void *zk_route_arena(size_t size, size_t align, bool *overflow);

#endif
