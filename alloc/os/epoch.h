/*
 * epoch.h - which process is this? A child is another one than its parent, however it was made: by fork,
 * _Fork, clone or the system call. Nobody has to be told of it: the kernel wipes the word that holds the
 * process's number, and whoever finds it wiped counts on.
 *
 * What a thread marks as its own (a lock, a slab, a record) it marks with the number. So a mark of an earlier
 * process says: whoever made this is not here, unless it is the thread that forked, which knows itself.
 *
 * The child of a vfork shares its parent's memory, and is its parent: it runs on the stack and with the
 * thread-local state of the thread that waits for it.
 */
#ifndef ZK_EPOCH_H
#define ZK_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

/* The word; 0 in a child that nobody has looked at yet. */
extern _Atomic uint32_t *zk_epoch_word;

/* Counts on. Any thread. */
uint32_t zk_epoch_next(void);

/* The number of this process, from 1 on. Relaxed: a process has one from the start, since whoever writes it
 * found it wiped, and all who find it wiped write the same or later ones. */
static inline uint32_t zk_epoch(void)
{
    uint32_t epoch = atomic_load_explicit(zk_epoch_word, memory_order_relaxed);

    return __builtin_expect(epoch != 0, 1) ? epoch : zk_epoch_next();
}

/* When the library is loaded. */
void zk_epoch_load(void);

#endif
