/*
 * pool_worker.h - a pool's registry as its workers see it: where they find work, how they sleep and
 * are woken. Private to the pool's files.
 *
 * Every pushed job is run: a thread that pushes one for a worker to fetch wakes a sleeping worker
 * after the push, and a worker looks for work once more after it has counted itself as a sleeper.
 */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include "injector.h"
#include "pool_latch.h"
#include "thread_pool.h"
#include "worker_deque.h"

#include <pthread.h>
#include <stdalign.h>

/* ---- Memory blocks, by size as in the crate ---- */

/* A thread's record, which continues as one of the two structures below. */
struct pool_thread_info {
    struct pool_flag primed;
    struct pool_flag stopped;
    struct pool_latch terminate;
};
struct pool_thread_info_debian12 {
    struct pool_thread_info info;
    size_t terminate_count;
    struct deque_stealer stealer;
};
struct pool_thread_info_2026 {
    struct pool_thread_info info;
    struct deque_stealer stealer;
};

/* On two cache lines of its own. */
struct pool_sleep_state {
    alignas(128) struct pool_flag blocked;
    pthread_t thread; /* where the crate has padding */
};

/* The registry. */
struct pool {
    _Atomic size_t references; /* the handle's, and one for each worker */
    alignas(128) struct injector injector;
    alignas(128) void *infos; /* an array: see pool_info */
    struct pool_sleep_state *sleep_states;
    size_t threads;
    _Atomic uint32_t sleepers;
    bool ordered;
    bool with_caller;                              /* worker 0 is the thread that made the pool */
    alignas(128) struct pool_flag broadcasts_lock; /* guards the array */
    struct worker_deque *broadcasts;
};

static_assert(sizeof(struct pool_thread_info_debian12) == POOL_THREAD_INFO_BYTES,
              "ThreadInfo, rayon-core 1.10.1: a CountLatch ends the thread");
static_assert(sizeof(struct pool_thread_info_2026) == POOL_THREAD_INFO_2026_BYTES,
              "ThreadInfo, rayon-core 1.13: a OnceLatch does");
static_assert(sizeof(struct pool_sleep_state) == POOL_SLEEP_STATE_BYTES,
              "CachePadded<..SleepState>");
static_assert(sizeof(struct pool) == POOL_REGISTRY_BYTES, "ArcInner<Registry>");

/* ---- On the worker's own stack; for the thread that made the pool, in a block that is never
 * freed */

/* Used only by its own thread. */
struct pool_worker {
    struct injector spawn_queue; /* the crate's spawn_fifo is not modelled, only its block */
    struct worker_deque deque;
    struct deque_stealer broadcasts;
    struct pool *pool;
    size_t index;
    uint64_t random;
};

static_assert(sizeof(struct pool_worker) == POOL_WORKER_BYTES, "WorkerThread");

/* ---- The records of threads ---- */

size_t pool_info_bytes(void);
struct pool_thread_info *pool_info(void *infos, size_t i);
struct deque_stealer *pool_stealer(void *infos, size_t i);

/* The first worker that has a thread of its own. */
size_t pool_first(const struct pool *pool);

/* ---- Sleep: any thread ---- */

/* Wakes worker i if it sleeps. The caller has already stored what the worker is to see: a worker
 * that is not asleep yet holds the lock, and takes its last look under it. */
bool pool_worker_wake(struct pool *pool, size_t i);

/* Wakes one worker, if one sleeps, to fetch what the caller has pushed. */
void pool_worker_wake_any(struct pool *pool);

/* Returns when at least that many workers sleep. */
void pool_worker_await_sleepers(struct pool *pool, size_t count);

/* ---- Work: on the worker's own thread ---- */

/* Takes a job off the worker's deque or its broadcast queue. False when both are empty. */
bool pool_worker_take_local(struct pool_worker *self, struct job *job);

/* Runs jobs until the latch is set; sleeps when there are none. */
void pool_worker_wait_until(struct pool_worker *self, struct pool_latch *latch);

#endif
