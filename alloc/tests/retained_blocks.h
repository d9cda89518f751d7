/*
 * retained_blocks.h - shared by the tests of the census and of the trap: blocks, and the lines at
 * which they are made.
 */
#ifndef ZK_RETAINED_BLOCKS_H
#define ZK_RETAINED_BLOCKS_H

#include "findings.h"

/* The file that the lines in made_at are in. */
static const char *const retained_blocks_file = __FILE__;
static unsigned made_at;

SITE __attribute__((unused)) static void *make(size_t size)
{
    void *p = AT(made_at, zk_malloc(size));

    STAY_IN_FRAME();
    return p;
}

SITE __attribute__((unused)) static void *make_too(size_t size)
{
    void *p = zk_malloc(size);

    STAY_IN_FRAME();
    return p;
}

#define CENSUS_ALL .env = {CENSUS, ALL_SIZES, SLAB_64M}

#endif
