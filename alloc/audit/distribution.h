/*
 * distribution.h - how many blocks of which sizes the phases asked for: shows what a given
 * MIN_BYTES would leave to system.
 */
#ifndef ZK_DISTRIBUTION_H
#define ZK_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

/* Counts a block that the arena could have served. Any thread; `thread` is its number. */
void zk_distribution_count(size_t size, uint32_t thread);

/* Sizes from `from` to `to`. */
struct zk_size_class {
    size_t from;
    size_t to;
    uint64_t count;
    uint64_t bytes;
};

/* Calls visit for each class in which something was counted, ascending. */
void zk_distribution_each(void (*visit)(void *arg, const struct zk_size_class *class), void *arg);

/* Sets the counts back to 0; no other thread may be counting. */
void zk_distribution_clear(void);

#endif
