/*
 * lock.h - mutual exclusion that a fork need not wait for. A lock is held by a process's number (epoch.h): one
 * that is found held by an earlier process was held by a thread that is not here, and is free. Who takes it
 * from that thread is told, and mends what it was in the middle of.
 *
 * So a fork takes no lock of ours, waits for none, and the child's first use of what a lock guards is where
 * the child gets it in order. To the thread that forks in a signal handler, having interrupted itself with a
 * lock held, the child's copy of the lock is still its own: the child gives it back when the handler returns.
 */
#ifndef ZK_LOCK_H
#define ZK_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* 0: free. Else twice the holder's epoch, plus 1 when somebody may be waiting. */
struct zk_lock {
    _Atomic uint32_t word;
};

/* How many the calling thread holds. The handler of a signal that wants one finds here whether it interrupts
 * whoever has it, and then comes later: the signal is raised again when the last one is given back. */
extern _Thread_local volatile unsigned zk_locks_held __attribute__((tls_model(ZK_TLS_MODEL)));
void zk_lock_raise_later(int signal);

/* Waits for the lock. True: it was taken from a thread that is not here. */
bool zk_lock(struct zk_lock *lock);

/* Takes the lock if that needs no waiting; *taken tells. Returns what zk_lock does. */
bool zk_lock_try(struct zk_lock *lock, bool *taken);

void zk_unlock(struct zk_lock *lock);

#endif
