/*
 * pool_latch.h - what the threads of a pool wait on: a flag, which blocks its waiter, and a latch,
 * which a worker checks between jobs. Private to the pool's files.
 *
 * Once a flag or a latch is set, its waiter may end its life: from then on the thread that set it
 * uses only its address.
 */
#ifndef POOL_LATCH_H
#define POOL_LATCH_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sleeps while *word is value; may return early. */
void pool_futex_wait(_Atomic uint32_t *word, uint32_t value);

/* Wakes up to that many threads that sleep on word. */
void pool_futex_wake(_Atomic uint32_t *word, int threads);

/* A flag, its lock, and a condition: Mutex<bool> and Condvar of std, 12 bytes. */
struct pool_flag {
    _Atomic uint32_t lock; /* 0 free, 1 held, 2 held and waited for */
    bool poisoned;         /* only for its size */
    bool set;
    _Atomic uint32_t changes; /* how often set has changed */
};

static_assert(sizeof(struct pool_flag) == 12, "LockLatch, rayon-core 1.10.1 on std of Rust 1.95");

void pool_flag_lock(struct pool_flag *flag);
void pool_flag_unlock(struct pool_flag *flag);

/* Waits until the flag is as wanted. The caller holds the lock, which is released while it
 * waits. */
void pool_flag_await(struct pool_flag *flag, bool wanted);

/* Sets or clears it, and wakes all waiters. The caller holds the lock. */
void pool_flag_change(struct pool_flag *flag, bool set);

/* Sets it; takes the lock itself. */
void pool_flag_set(struct pool_flag *flag);

/* Waits until it is set, and clears it; takes the lock itself. */
void pool_flag_wait_and_reset(struct pool_flag *flag);

/* What a worker waits for while it runs other jobs: unset, unset with its worker asleep, or set. */
struct pool_latch {
    _Atomic size_t state;
};

/* True if it is set. */
bool pool_latch_probe(const struct pool_latch *latch);

/* Sets it. True if the worker that waits for it sleeps: the caller then wakes it. */
bool pool_latch_set(struct pool_latch *latch);

/* The worker that waits for it is about to sleep. False if it is already set: the worker must not
 * sleep. */
bool pool_latch_fall_asleep(struct pool_latch *latch);

/* The worker is awake again. */
void pool_latch_wake_up(struct pool_latch *latch);

#endif
