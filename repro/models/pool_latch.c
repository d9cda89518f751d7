/*
 * pool_latch.c - flags and latches of a thread pool: see pool_latch.h.
 *
 * No wake-up is lost: a flag is changed under the lock and the change then counted in `changes`,
 * which the waiter reads under the lock before it sleeps on it.
 */
#include "pool_latch.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void pool_futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void pool_futex_wake(_Atomic uint32_t *word, int threads)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

void pool_flag_lock(struct pool_flag *flag)
{
    if (atomic_compare_exchange_strong(&flag->lock, &(uint32_t){0}, 1))
        return;
    while (atomic_exchange(&flag->lock, 2) != 0)
        pool_futex_wait(&flag->lock, 2);
}

void pool_flag_unlock(struct pool_flag *flag)
{
    /* From the exchange on, the flag may be gone: only its address is used. */
    if (atomic_exchange(&flag->lock, 0) == 2)
        pool_futex_wake(&flag->lock, 1);
}

void pool_flag_await(struct pool_flag *flag, bool wanted)
{
    while (flag->set != wanted) {
        uint32_t changes = atomic_load(&flag->changes);

        pool_flag_unlock(flag);
        pool_futex_wait(&flag->changes, changes);
        pool_flag_lock(flag);
    }
}

void pool_flag_change(struct pool_flag *flag, bool set)
{
    flag->set = set;
    atomic_fetch_add(&flag->changes, 1);
    pool_futex_wake(&flag->changes, INT_MAX);
}

void pool_flag_set(struct pool_flag *flag)
{
    pool_flag_lock(flag);
    pool_flag_change(flag, true);
    pool_flag_unlock(flag);
}

void pool_flag_wait_and_reset(struct pool_flag *flag)
{
    pool_flag_lock(flag);
    pool_flag_await(flag, true);
    flag->set = false;
    pool_flag_unlock(flag);
}

enum { LATCH_UNSET = 0, LATCH_SLEEPING = 2, LATCH_SET = 3 };

bool pool_latch_probe(const struct pool_latch *latch)
{
    return atomic_load(&latch->state) == LATCH_SET;
}

bool pool_latch_set(struct pool_latch *latch)
{
    return atomic_exchange(&latch->state, LATCH_SET) == LATCH_SLEEPING;
}

bool pool_latch_fall_asleep(struct pool_latch *latch)
{
    size_t state = LATCH_UNSET;

    return atomic_compare_exchange_strong(&latch->state, &state, LATCH_SLEEPING);
}

void pool_latch_wake_up(struct pool_latch *latch)
{
    size_t state = LATCH_SLEEPING;

    atomic_compare_exchange_strong(&latch->state, &state, LATCH_UNSET);
}
