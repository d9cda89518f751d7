/*
 * arena_sizes.h - sizes shared by the tests of the arena.
 */
#ifndef ZK_ARENA_SIZES_H
#define ZK_ARENA_SIZES_H

#include "fresh.h"

enum { CHUNK_OR_MORE = 1100 * 1024 }; /* spans chunks, whatever the size of the page */

static inline size_t min_bytes(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    return config.min_bytes;
}

static inline size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

#endif
