/*
 * pool_bodies.h - what the tests of the thread pool share: bodies for joins, installs and broadcasts.
 */
#ifndef ZK_POOL_BODIES_H
#define ZK_POOL_BODIES_H

#include "models/thread_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CALLERS = 4, CALLS = 1000, EDGE_CALLS = 10000, MOST_WORKERS = 8, STEPS = 150 };

static inline void nothing(void *arg)
{
    (void)arg;
}

static inline void count(void *arg)
{
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

/* n nested joins, whose second halves do nothing. */
struct descent {
    struct pool *pool;
    unsigned n;
};

static inline void descend(void *arg)
{
    const struct descent *here = arg;
    struct descent below = {.pool = here->pool, .n = here->n - 1};

    if (here->n > 0)
        pool_join(here->pool, descend, &below, nothing, NULL);
}

static inline void install_descent(struct pool *pool, unsigned n)
{
    struct descent descent = {.pool = pool, .n = n};

    pool_install(pool, descend, &descent);
}

struct fibonacci {
    struct pool *pool;
    unsigned n;
    unsigned value;
};

static inline void fibonacci(void *arg)
{
    struct fibonacci *f = arg;
    struct fibonacci a = {.pool = f->pool, .n = f->n - 1};
    struct fibonacci b = {.pool = f->pool, .n = f->n - 2};

    if (f->n < 2) {
        f->value = f->n;
        return;
    }
    pool_join(f->pool, fibonacci, &a, fibonacci, &b);
    f->value = a.value + b.value;
}

static inline void count_visit(void *arg, size_t index)
{
    (void)index;
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

#endif
