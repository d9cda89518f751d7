/*
 * census.h - every live block that the arena could have served, whatever MIN_BYTES is; and at each
 * begin, which of them are retained.
 */
#ifndef ZK_CENSUS_H
#define ZK_CENSUS_H

#include "site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zk_born {
    size_t size;  /* as asked for */
    size_t asked; /* of that, what decided its route: of the first request, if it has grown since */
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    uint8_t align_log2;
    bool arena;   /* it lies in the arena; else MIN_BYTES kept it out, or there was no room */
    bool counted; /* as retained, by an earlier begin */
};

/* Any thread. */
void zk_census_born(const void *p, const struct zk_born *born);

/* Any thread. False when p is not in the census; else what it was. */
bool zk_census_gone(const void *p, struct zk_born *born);

/* A block is being moved, and both are in the census: the first request for it is what it was. */
void zk_census_moved(const void *from, const void *to);

/* The first request for p was of so many bytes; nothing if 0, or if it is not in the census. */
void zk_census_asked(const void *p, size_t asked);

/* p was grown in its place: from now on it counts as this large, unless it was larger. */
void zk_census_resized(const void *p, size_t size);

/* A phase begins: counts what is retained. Under the phase lock. */
void zk_census_begin(uint32_t phase);

/* What was born in phase is dead. Under the phase lock. */
void zk_census_discard(uint32_t phase);

/* What the begins found. */
struct zk_retained {
    uint64_t count; /* at the last one */
    size_t largest; /* at any */
    uint64_t arena_count;
    size_t arena_largest;
};
struct zk_retained zk_census_retained(void);

/* Bytes that the census itself takes for what lives now. */
size_t zk_census_bytes(void);

/* Bytes of memory that a trap would take for the pages of the blocks that it watches, at most: the sum of what parts of the
 * table had each at its worst moment. */
size_t zk_census_watched_bytes(void);

/* Blocks that there was no memory to list. */
uint64_t zk_census_lost(void);

/* In the child of a fork: no begin was the child's. Under the phase lock. */
void zk_census_inherit(void);

#endif
