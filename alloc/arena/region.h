/*
 * region.h - the address range that holds all slabs, and another one for their books.
 *
 * Slab data and allocator state never share a page: a stale write can damage only the program's
 * data.
 */
#ifndef ZK_REGION_H
#define ZK_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct slab;

struct region {
    _Atomic(char *) base;   /* the first slab's first byte */
    _Atomic size_t bytes;   /* 0 until reserved; stays 0 if that was refused */
    _Atomic bool cut;       /* some address space was given back, so there are holes */
    size_t slab_bytes;      /* of each slab: a multiple of the chunk */
    _Atomic unsigned slabs; /* number of slabs; 0 until they can be used */
    bool tried;             /* a reservation has been tried, successfully or not */
    char *books;            /* struct slab of slab 0 */
    size_t books_bytes;     /* from one slab's books to the next one's */
};

extern __attribute__((visibility("hidden"))) struct region zk_region;

/* Reserves the region as zk_settings say. If refused, tries smaller slabs, then fewer, then does
 * without, and says so in one line on stderr. Called once, under the phase lock. */
void zk_region_reserve(void);

/* Undoes that in the child of a fork that interrupted it. Under the phase lock. */
void zk_region_forget(void);

/* Makes this range the region, without slabs: for the trap. Called once, under the phase lock. */
void zk_region_is(char *base, size_t bytes);

/* Unmaps the address space behind each slab's used part, if that is at least `bytes` in total, so that others
 * can have it. False if it is less. Any thread. */
bool zk_region_give_back(size_t bytes);

/* p lies in the original range of some slab. Does that slab still have the address? */
bool zk_region_has(const void *p);

/* The books of slab index. */
static inline struct slab *zk_region_slab(unsigned index)
{
    return (struct slab *)(void *)(zk_region.books + index * zk_region.books_bytes);
}

static inline bool zk_region_holds(const void *p)
{
    /* Acquire: pairs with the release in zk_region_is, so that base belongs with bytes. A thread
     * that has an arena block got it after the reservation; for anything else the answer is no
     * either way. */
    size_t bytes = atomic_load_explicit(&zk_region.bytes, memory_order_acquire);
    const char *base = atomic_load_explicit(&zk_region.base, memory_order_relaxed);

    if ((size_t)((const char *)p - base) >= bytes)
        return false;
    /* Relaxed: it was set before anything else could be mapped in the region. */
    return !atomic_load_explicit(&zk_region.cut, memory_order_relaxed) || zk_region_has(p);
}

/* The slab that p lies in. p must be in the region. */
static inline struct slab *zk_region_slab_of(const void *p)
{
    const char *base = atomic_load_explicit(&zk_region.base, memory_order_relaxed);

    return zk_region_slab((unsigned)((size_t)((const char *)p - base) / zk_region.slab_bytes));
}

#endif
