/*
 * census.h - lists every live block that the arena could have served, whatever MIN_BYTES is, and
 * finds out at each begin which of them are retained.
 */
#ifndef ZK_CENSUS_H
#define ZK_CENSUS_H

#include "site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zk_born {
    size_t size;  /* as asked for */
    size_t asked; /* size that decided its route: the first request's */
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    uint8_t align_log2;
    bool arena;   /* lies in the arena; otherwise MIN_BYTES kept it out, or there was no room */
    bool counted; /* counted as retained by an earlier begin */
};

/* Any thread. */
void zk_census_born(const void *p, const struct zk_born *born);

/* Any thread. Removes p from the list, and fills in *born. False if p is not in the census. */
bool zk_census_gone(const void *p, struct zk_born *born);

/* A block is being moved; both are in the census. The new one takes over the size of the first
 * request. */
void zk_census_moved(const void *from, const void *to);

/* Records that the first request for p was for `asked` bytes. Does nothing if that is 0, or p is
 * not in the census. */
void zk_census_asked(const void *p, size_t asked);

/* p was resized in place: from now on it counts as that large, unless it was larger. */
void zk_census_resized(const void *p, size_t size);

/* A phase begins: counts what is retained. Under the phase lock. */
void zk_census_begin(uint32_t phase);

/* All blocks born in phase are dead. Under the phase lock. */
void zk_census_discard(uint32_t phase);

/* What the begins have found. */
struct zk_retained {
    uint64_t count; /* at the last begin */
    size_t largest; /* bytes of the largest at any begin */
    uint64_t arena_count;
    size_t arena_largest;
};
struct zk_retained zk_census_retained(void);

/* Bytes that the list itself takes now. */
size_t zk_census_bytes(void);

/* An upper bound for the bytes that a trap would need at once for the pages of the blocks that it watches: the sum over
 * the table's shards, each at its maximum. */
size_t zk_census_watched_bytes(void);

/* Blocks that could not be listed for want of memory. */
uint64_t zk_census_lost(void);

/* In the child of a fork: resets what the parent's begins have counted. Under the phase lock. */
void zk_census_inherit(void);

#endif
