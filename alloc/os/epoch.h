/*
 * epoch.h - which process is this? A child is a different process from its parent, however it was made: by
 * fork, _Fork, clone or the raw system call. It needs no notification: the kernel wipes the word that holds
 * the process's number (its epoch), and the first thread that finds it wiped assigns the next number.
 *
 * A thread marks what it owns (a lock, a slab, a record) with this number. A mark with an earlier number
 * therefore means that the thread that made it does not exist in this process, unless it is the thread that
 * forked, which can tell.
 *
 * The child of a vfork shares its parent's memory and counts as the same process: it runs on the stack and
 * with the thread-local state of the thread that waits for it.
 */
#ifndef ZK_EPOCH_H
#define ZK_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

/* The word. 0 in a child until some thread there first asks for the epoch. */
extern _Atomic uint32_t *zk_epoch_word;

/* Assigns this process the next number, and returns it. Any thread. */
uint32_t zk_epoch_next(void);

/* The number of this process; the first is 1. Relaxed: a thread that finds the word wiped assigns a number
 * itself, and all that do so in one process get the same one. */
static inline uint32_t zk_epoch(void)
{
    uint32_t epoch = atomic_load_explicit(zk_epoch_word, memory_order_relaxed);

    return __builtin_expect(epoch != 0, 1) ? epoch : zk_epoch_next();
}

/* Called when the library is loaded. */
void zk_epoch_load(void);

#endif
