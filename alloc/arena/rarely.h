/*
 * rarely.h - all special cases on the path of a block: the library is not loaded yet, or another one serves (defer.h);
 * an observer watches (observer.h); boundaries come at random (chaos.h). When any flag of rare.h is set, the slow paths
 * hand over to these functions completely.
 */
#ifndef ZK_RARELY_H
#define ZK_RARELY_H

#include "rare.h"
#include "route.h"

#include <stdbool.h>
#include <stddef.h>

struct slab;

/* Like the functions of the same names, without "rarely_", in zkalloc.h and route.h. */
void *zk_rarely_route(struct zk_wish wish);

/* Does malloc pass a block of size bytes on to system, with chaos on and nothing else? Most are, under chaos: so this is
 * shorter than zk_rarely_route. True: the block has been counted for chaos, and system is to be asked. */
bool zk_rarely_passes_on(size_t size);

void *zk_rarely_route_arena(struct zk_wish wish, bool *overflow);
void *zk_rarely_zeroed(struct zk_wish wish);
void zk_rarely_free(void *p);
size_t zk_rarely_usable_size(const void *p);

/* A block of the calling thread's slab has been grown in its place. */
void zk_rarely_grown(struct slab *slab);

#endif
