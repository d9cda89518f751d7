/*
 * thread_crews.h - shared by the tests of threads: barriers, and the work that a crew of threads does
 * until it is stopped.
 */
#ifndef ZK_THREAD_CREWS_H
#define ZK_THREAD_CREWS_H

#include "fresh.h"

#include <stdatomic.h>

enum { TEAM = 4 }; /* there is at least one slab more than this */

static inline void meet(pthread_barrier_t *barrier)
{
    int result = pthread_barrier_wait(barrier);

    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static inline pthread_barrier_t *new_barrier(pthread_barrier_t *barrier, size_t threads)
{
    CHECK(pthread_barrier_init(barrier, NULL, (unsigned)threads) == 0);
    return barrier;
}

struct legacy {
    char *p;
    size_t bytes;
    unsigned seed;
};

static inline void *leave_a_block(void *arg)
{
    struct legacy *legacy = arg;

    legacy->p = arena_block(legacy->bytes);
    fill(legacy->p, legacy->bytes, legacy->seed);
    return NULL;
}

struct slab_start {
    pthread_barrier_t *barrier;
    char *start;
};

struct crew {
    void (*work)(uint64_t *random);
    _Atomic bool stop;
    _Atomic unsigned hired;
};

static inline void *work_until_stopped(void *arg)
{
    struct crew *crew = arg;
    uint64_t random = atomic_fetch_add(&crew->hired, 1) + 1;

    while (!atomic_load(&crew->stop))
        crew->work(&random);
    return NULL;
}

static inline void allocate_and_free(uint64_t *random)
{
    size_t size = random_below(random, 20000);
    char *p = zk_malloc(size);

    CHECK(p != NULL && zk_usable_size(p) >= size);
    if (size > 0)
        p[0] = p[size - 1] = 1;
    zk_free(p);
}

#define ARENA BLIND, ALL_SIZES, SLAB_16M

#endif
