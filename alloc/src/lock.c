/*
 * lock.c - the usual three states of a lock on a futex (free, held, held and waited for), with an epoch in
 * the word.
 */
#include "lock.h"
#include "epoch.h"
#include "os.h"

enum { waited_for = 1 };

/* From one state to the next; *seen becomes what it was, if it was another. Acquire: pairs with the release in
 * zk_unlock. */
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

    *taken = turn(lock, &word, 2 * epoch);
    if (*taken || is_held(word, epoch))
        return false;
    *taken = turn(lock, &word, 2 * epoch);
    return *taken && word != 0;
}

bool zk_lock(struct zk_lock *lock)
{
    uint32_t epoch = zk_epoch();
    uint32_t held = 2 * epoch;
    uint32_t word = 0;

    while (!turn(lock, &word, held)) {
        if (!is_held(word, epoch)) /* free by now, or an earlier process's */
            continue;
        held = 2 * epoch +
               waited_for; /* from now on: having waited, one cannot know whether others do */
        if (word == held || turn(lock, &word, held))
            zk_os_wait(&lock->word, held);
        word = 0;
    }
    return word != 0;
}

void zk_unlock(struct zk_lock *lock)
{
    /* Release: what was written under the lock comes before whoever takes it next. */
    uint32_t word = atomic_exchange_explicit(&lock->word, 0, memory_order_release);

    if (word % 2 == waited_for)
        zk_os_wake(&lock->word);
}
