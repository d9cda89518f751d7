/*
 * rarely.h - all that is special in few processes, and that the way of a block must know: the library is not loaded yet,
 * or another one serves (defer.h); somebody watches (observer.h); boundaries come at random (chaos.h). The slow paths
 * come here when the rare word (rare.h) is not 0, and then have nothing more to do.
 */
#ifndef ZK_RARELY_H
#define ZK_RARELY_H

#include "rare.h"
#include "route.h"

#include <stdbool.h>
#include <stddef.h>

struct slab;

/* As the functions of zkalloc.h and route.h that are called so. */
void *zk_rarely_route(struct zk_wish wish);
void *zk_rarely_route_arena(struct zk_wish wish, bool *overflow);
void *zk_rarely_zeroed(struct zk_wish wish);
void zk_rarely_free(void *p);
size_t zk_rarely_usable_size(const void *p);

/* A block of the calling thread's slab has been grown in its place. */
void zk_rarely_grown(struct slab *slab);

#endif
