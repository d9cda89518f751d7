/*
 * distribution.c - exact sizes up to 32 bytes, then 32 classes to each power of two: a class is at
 * most 3 percent wide. Counted in stripes, so that threads seldom contend.
 */
#include "distribution.h"

#include <stdatomic.h>

enum {
    steps_log2 = 5,
    steps = 1 << steps_log2,
    classes = (sizeof(size_t) * 8 - steps_log2 + 1) * steps,
    stripes = 8,
};

struct tally {
    _Atomic uint64_t count;
    _Atomic uint64_t bytes;
};

static struct {
    struct tally of[stripes][classes];
} distribution;

static unsigned class_of(size_t size)
{
    unsigned log2;

    if (size < steps)
        return (unsigned)size;
    log2 = 63 - (unsigned)__builtin_clzll(size);
    return (log2 - steps_log2 + 1) * steps +
           (unsigned)((size >> (log2 - steps_log2)) & (steps - 1));
}

static size_t class_from(unsigned class)
{
    unsigned power = class / steps;

    if (power == 0)
        return class;
    return (size_t)(steps + class % steps) << (power - 1);
}

void zk_distribution_count(size_t size, uint32_t thread)
{
    struct tally *tally = &distribution.of[thread % stripes][class_of(size)];

    /* Relaxed: the counts order nothing. */
    atomic_fetch_add_explicit(&tally->count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&tally->bytes, size, memory_order_relaxed);
}

void zk_distribution_each(void (*visit)(void *arg, const struct zk_size_class *class), void *arg)
{
    for (unsigned i = 0; i < classes; i++) {
        struct zk_size_class class = {.from = class_from(i),
                                      .to = i + 1 < classes ? class_from(i + 1) - 1 : SIZE_MAX};

        for (unsigned stripe = 0; stripe < stripes; stripe++) {
            class.count += atomic_load(&distribution.of[stripe][i].count);
            class.bytes += atomic_load(&distribution.of[stripe][i].bytes);
        }
        if (class.count > 0)
            visit(arg, &class);
    }
}

void zk_distribution_clear(void)
{
    for (unsigned stripe = 0; stripe < stripes; stripe++)
        for (unsigned i = 0; i < classes; i++) {
            atomic_store(&distribution.of[stripe][i].count, 0);
            atomic_store(&distribution.of[stripe][i].bytes, 0);
        }
}
