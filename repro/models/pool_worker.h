/*
 * pool_worker.h - a pool's registry as its workers see it: where they find work, how they sleep and
 * are woken. Private to the pool's files.
 *
 * A job that has been pushed is run: whoever pushes one where a sleeping worker has to fetch it
 * wakes that worker after the push, and a worker looks once more after it has counted itself as a
 * sleeper.
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

struct pool_thread_info {
    struct pool_flag primed;
    struct pool_flag stopped;
    struct pool_latch terminate;
    size_t terminate_count;
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
    alignas(128) struct pool_thread_info *infos;
    struct pool_sleep_state *sleep_states;
    size_t threads;
    _Atomic uint32_t sleepers;
    bool ordered;
    alignas(128) struct pool_flag broadcasts_lock; /* guards the array */
    struct worker_deque *broadcasts;
};

static_assert(sizeof(struct pool_thread_info) == POOL_THREAD_INFO_BYTES, "ThreadInfo");
static_assert(sizeof(struct pool_sleep_state) == POOL_SLEEP_STATE_BYTES,
              "CachePadded<..SleepState>");
static_assert(sizeof(struct pool) == POOL_REGISTRY_BYTES, "ArcInner<Registry>");

/* ---- On a worker's own stack ---- */

/* Used by its own thread alone. */
struct pool_worker {
    struct worker_deque deque;
    struct deque_stealer broadcasts;
    struct injector spawn_queue; /* spawn_fifo of the crate is not modelled; its block is */
    struct pool *pool;
    size_t index;
    uint64_t random;
};

/* ---- Sleep: any thread ---- */

/* Wakes worker i if it sleeps. What the caller wants it to see has been stored before: a worker
 * that has not fallen asleep yet holds the lock, and has its last look under it. */
bool pool_worker_wake(struct pool *pool, size_t i);

/* Wakes one worker, if one sleeps, to fetch what the caller has pushed. */
void pool_worker_wake_any(struct pool *pool);

/* Returns when that many workers sleep. */
void pool_worker_await_sleepers(struct pool *pool, size_t count);

/* ---- Work: on the worker's own thread ---- */

/* Takes a job off the worker's deque or its broadcast queue. False when both are empty. */
bool pool_worker_take_local(struct pool_worker *self, struct job *job);

/* Runs whatever there is to run until the latch is set; sleeps when there is nothing. */
void pool_worker_wait_until(struct pool_worker *self, struct pool_latch *latch);

#endif
