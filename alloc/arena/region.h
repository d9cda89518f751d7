/*
 * region.h - the one address range of all slabs, and the separate one of their books.
 *
 * Slab data and allocator state never share a page: a stale write can damage the program's data
 * only.
 */
#ifndef ZK_REGION_H
#define ZK_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct slab;

struct region {
    _Atomic(char *) base;   /* the first slab's first byte */
    _Atomic size_t bytes;   /* 0 until reserved, and for good when refused */
    _Atomic bool cut;       /* address space of it was given back: there are holes */
    size_t slab_bytes;      /* of each slab: a multiple of the chunk */
    _Atomic unsigned slabs; /* how many; 0 until they can be used */
    bool tried;             /* a first reservation was made, whatever came of it */
    char *books;            /* struct slab of slab 0 */
    size_t books_bytes;     /* from one slab's books to the next one's */
};

extern struct region zk_region;

/* Reserves the region as zk_settings say; on refusal smaller slabs, then fewer, then none, with one
 * line on stderr. Called once, under the phase lock. */
void zk_region_reserve(void);

/* In the child of a fork that came in the middle of that: as if it had not been called. Under the phase lock. */
void zk_region_forget(void);

/* The region is this range, and has no slabs: for a trap. Called once, under the phase lock. */
void zk_region_is(char *base, size_t bytes);

/* Gives back the address space behind each slab's used part, if that is at least so much in all: others may get
 * it. False if it is not. Any thread. */
bool zk_region_give_back(size_t bytes);

/* Does the slab that p is in the range of still have it? */
bool zk_region_has(const void *p);

/* The books of slab index. */
static inline struct slab *zk_region_slab(unsigned index)
{
    return (struct slab *)(void *)(zk_region.books + index * zk_region.books_bytes);
}

static inline bool zk_region_holds(const void *p)
{
    /* Acquire: pairs with the release in zk_region_reserve, so that base is the one that goes with
     * bytes. Whoever holds an arena block got it after the reservation; anybody else is told "no"
     * either way. */
    size_t bytes = atomic_load_explicit(&zk_region.bytes, memory_order_acquire);
    const char *base = atomic_load_explicit(&zk_region.base, memory_order_relaxed);

    if ((size_t)((const char *)p - base) >= bytes)
        return false;
    /* Relaxed: it was set before anybody else could get an address of the region's. */
    return !atomic_load_explicit(&zk_region.cut, memory_order_relaxed) || zk_region_has(p);
}

/* The slab that p lies in. p must be in the region. */
static inline struct slab *zk_region_slab_of(const void *p)
{
    const char *base = atomic_load_explicit(&zk_region.base, memory_order_relaxed);

    return zk_region_slab((unsigned)((size_t)((const char *)p - base) / zk_region.slab_bytes));
}

#endif
