/*
 * lock.h - mutual exclusion that a fork need not wait for. A held lock contains the epoch of the holder's
 * process (epoch.h). If that is an earlier process, the holder does not exist in this one, and the lock counts
 * as free. The next thread to take it is told, and repairs whatever the old holder was in the middle of.
 *
 * So a fork neither takes nor waits for any of our locks; the child repairs the guarded data when it first
 * uses them. A thread may fork in a signal handler that interrupted it while it held a lock. It then holds the
 * child's copy as well, and releases it once the handler has returned.
 */
#ifndef ZK_LOCK_H
#define ZK_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* 0: free. Otherwise twice the holder's epoch, plus 1 if another thread may be waiting. */
struct zk_lock {
    _Atomic uint32_t word;
};

/* How many locks the calling thread holds. A signal handler that needs a lock checks this first: if it has
 * interrupted a holder, it returns, and the signal is raised again when the last lock is released. */
extern _Thread_local volatile unsigned zk_locks_held __attribute__((tls_model(ZK_TLS_MODEL)));
void zk_lock_raise_later(int signal);

/* Waits for the lock. Returns true if the previous holder does not exist in this process. */
bool zk_lock(struct zk_lock *lock);

/* Takes the lock if it can do so without waiting; *taken says whether it did. Returns the same as
 * zk_lock. */
bool zk_lock_try(struct zk_lock *lock, bool *taken);

void zk_unlock(struct zk_lock *lock);

#endif
