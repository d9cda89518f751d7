/*
 * thread_pool.h - a work-stealing pool. Faithful to rayon-core 1.10.1 (with crossbeam-deque 0.8.1,
 * crossbeam-epoch 0.9.13, and std of Rust 1.95), or to 1.13 and the releases that go with it
 * (crates.h): in what it allocates, on which thread, and for how long; and in which of those blocks
 * each call reads and writes.
 *
 * Sizes, measured on the crate. pool_create(n), on the creating thread, in this order:
 *
 *     32 m, 16 m            n workers' and stealers' ends (m = n, at least 4)
 *     (1024, 16, 384) x n   deques
 *     32 m, 16 m            n broadcast queues' ends
 *     (1024, 16, 384) x n   broadcast queues
 *     56 n                  thread_infos (48 n in 1.13); then the first 16 m is freed
 *     128 n, 1520, 640      sleep states; injector block; registry
 *     (48, 144, 24) x n     a thread's packet, closure and start
 *
 * and frees the first 32 m and the second 16 m. Each worker, on its own thread: frees the 24,
 * allocates 1520 (its spawn queue's block), and at its first look for work 2104 (its epoch record;
 * 2304 in 2026); the first pin of the process allocates 2072 and 640 before that. Everything else
 * is retained for the life of the pool. So a pool of 4 retains 1520 x 5, 1024 x 8, 2104 x 4, 640,
 * 512, 384 x 8, 224, 144 x 4, 128, 48 x 4, 16 x 8, and the collector's 2072 and 640 once.
 *
 * What is deterministic: with pool_create_ordered, everything (see there). With pool_create, the
 * list above, but not which worker is the first to pin; nor, as in the crate, who runs a job, and
 * how often a worker looks for work (and pins) before it sleeps.
 *
 * All memory comes from zkalloc, except what pthread_create takes for itself. Out of memory is an
 * abort, as in the crate.
 */
#ifndef THREAD_POOL_H
#define THREAD_POOL_H

#include <stddef.h>

#define POOL_THREADS_MAX 65535

#define POOL_REGISTRY_BYTES         640
#define POOL_THREAD_INFO_BYTES      56
#define POOL_THREAD_INFO_2026_BYTES 48
#define POOL_SLEEP_STATE_BYTES      128
#define POOL_WORKER_BYTES           384
#define POOL_PACKET_BYTES           48
#define POOL_CLOSURE_BYTES          144
#define POOL_START_BYTES            24
#define POOL_BROADCAST_BYTES        40 /* for each worker; allocated by the caller of a broadcast */

struct pool;

/* Makes a pool of that many worker threads, which the caller ends with pool_destroy. NULL with
 * EINVAL for 0 threads or more than POOL_THREADS_MAX, or with pthread_create's error. Any thread.
 */
struct pool *pool_create(size_t threads);

/* The same, for reproducible runs: workers never steal from each other; only worker 0 takes jobs
 * from outside, in the order of their arrival; an idle worker sleeps at once; the workers start one
 * after the other; and creation and all calls from outside return when every worker sleeps. So with
 * one caller at a time, the calls determine each allocation, its thread, its place in the order of
 * all allocations, each pin and each collection; and only the depth of the joins that a worker runs
 * makes its deque grow and shrink. */
struct pool *pool_create_ordered(size_t threads);

/* The same as pool_create_ordered, with the calling thread as worker 0: use_current_thread of rayon
 * 1.8 and later. That thread takes jobs only while it waits in a call of its own, so worker 1 takes
 * the jobs from outside. It stays a worker for good: its record (384 bytes, aligned to 128) and its
 * spawn queue's block (1520) are leaked, and with them the registry, to which the record holds a
 * reference. NULL also with EBUSY, when the calling thread is a worker already. */
struct pool *pool_create_with_caller(size_t threads);

/* Ends the workers, waits for them, and frees the pool (except one of pool_create_with_caller,
 * which is leaked). No call on it may be under way. Must not be called on a worker of the pool,
 * except for pool_create_with_caller's worker 0. (The crate does not wait; its last worker frees
 * the registry.) */
void pool_destroy(struct pool *pool);

size_t pool_threads(const struct pool *pool);

/* Runs fa(arga) and fb(argb), maybe at the same time, and returns when both have returned. On a
 * worker of the pool: pushes b on its own deque, runs a, then b or whatever else there is until b
 * is done. Any other thread: as pool_install of a function that does that. */
void pool_join(struct pool *pool, void (*fa)(void *arg), void *arga, void (*fb)(void *arg),
               void *argb);

/* Runs fn(arg) on a worker, and returns when it has returned. On a worker of the pool: a plain
 * call. On a thread that is in no pool: pushes one job through the injector, and blocks. On a
 * worker of another pool: the same, but runs jobs of its own pool while it waits. */
void pool_install(struct pool *pool, void (*fn)(void *arg), void *arg);

/* Runs fn(arg, i) on each worker i once, and returns when all have returned. Any thread. */
void pool_broadcast(struct pool *pool, void (*fn)(void *arg, size_t worker_index), void *arg);

/* Returns when every worker sleeps: then the pool allocates nothing more until the next call on it.
 * Must not be called on a worker of the pool, except for pool_create_with_caller's worker 0, nor
 * while another thread calls it. */
void pool_wait_idle(struct pool *pool);

#endif
