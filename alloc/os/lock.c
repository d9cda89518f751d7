/*
 * lock.c - the usual three-state futex lock (free, held, held with waiters), with an epoch in the word.
 */
#include "lock.h"
#include "epoch.h"
#include "os.h"

enum { waited_for = 1 };

_Thread_local volatile unsigned zk_locks_held __attribute__((tls_model(ZK_TLS_MODEL)));
static _Thread_local volatile uint64_t raised_later __attribute__((tls_model(ZK_TLS_MODEL)));

void zk_lock_raise_later(int signal)
{
    raised_later |= UINT64_C(1) << (signal - 1);
}

static void raise_now(void)
{
    while (raised_later != 0) {
        int signal = __builtin_ctzll(raised_later) + 1;

        raised_later &= raised_later - 1;
        zk_os_raise(signal);
    }
}

static void count_held(void)
{
    zk_locks_held++;
    atomic_signal_fence(memory_order_seq_cst);
}

/* Changes the word from *seen to next. If it holds something else, *seen is set to that. Acquire: pairs with
 * the release in zk_unlock. */
static bool turn(struct zk_lock *lock, uint32_t *seen, uint32_t next)
{
    return atomic_compare_exchange_strong_explicit(&lock->word, seen, next, memory_order_acquire,
                                                   memory_order_relaxed);
}

static bool is_held(uint32_t word, uint32_t epoch)
{
    return word / 2 == epoch;
}

bool zk_lock_try(struct zk_lock *lock, bool *taken)
{
    uint32_t epoch = zk_epoch();
    uint32_t word = 0;
    bool broken = false;

    count_held();
    *taken = turn(lock, &word, 2 * epoch);
    if (!*taken && !is_held(word, epoch)) {
        *taken = turn(lock, &word, 2 * epoch);
        broken = *taken && word != 0;
    }
    if (!*taken)
        zk_locks_held--;
    return broken;
}

bool zk_lock(struct zk_lock *lock)
{
    uint32_t epoch = zk_epoch();
    uint32_t held = 2 * epoch;
    uint32_t word = 0;

    count_held();
    while (!turn(lock, &word, held)) {
        if (!is_held(word, epoch)) /* free by now, or held in an earlier process */
            continue;
        held = 2 * epoch +
               waited_for; /* from now on: once we have waited, others may be waiting too */
        if (word == held || turn(lock, &word, held))
            zk_os_wait(&lock->word, held);
        word = 0;
    }
    return word != 0;
}

void zk_unlock(struct zk_lock *lock)
{
    /* Release: the next holder sees what was written under the lock. */
    uint32_t word = atomic_exchange_explicit(&lock->word, 0, memory_order_release);

    if (word % 2 == waited_for)
        zk_os_wake(&lock->word);
    atomic_signal_fence(memory_order_seq_cst);
    if (--zk_locks_held == 0 && raised_later != 0)
        raise_now();
}
