/*
 * epoch.h - deferred reclamation for lock-free structures: memory that one thread has unlinked is
 * freed once no thread can still be reading it. Faithful to crossbeam-epoch 0.9.13, or to 0.9.16 and
 * later, where each thread's record is larger (crates.h chooses), with its default collector, one
 * per process. It has the crate's sizes, keeps the same blocks allocated for as long, and runs
 * deferred calls at the same moments on the same threads.
 *
 * A reader pins, loads pointers, uses them, unpins. A writer pins, unlinks, defers the free,
 * unpins. Pointers that the epoch protects are loaded and unlinked with sequentially consistent
 * operations; the crate has fences instead, which ThreadSanitizer does not understand.
 *
 * All memory comes from zkalloc. Out of memory is an abort, as in the crate.
 */
#ifndef EPOCH_H
#define EPOCH_H

#include <stdint.h>

#define EPOCH_BAG_CALLS        64
#define EPOCH_BAG_BYTES        2056 /* 64 x (function 8 + three words 24) + length 8 */
#define EPOCH_NODE_BYTES       2072 /* a sealed bag (epoch 8 + bag) in the queue, + next 8 */
#define EPOCH_LOCAL_BYTES      2104 /* a thread's record: bag + list link, epoch, counts */
#define EPOCH_LOCAL_2026_BYTES 2304 /* the same, its epoch on two cache lines of its own at 2176 */
#define EPOCH_GLOBAL_BYTES     640  /* counts, queue head and tail, epoch, list head: 128 each */
#define EPOCH_PINS_PER_COLLECT 128
#define EPOCH_COLLECT_STEPS    8 /* bags that one collection runs, at most */

/*
 * All functions may be called on any thread, and act on the calling thread's record.
 *
 * What allocates: The first pin of the process allocates a node (the queue's sentinel) and the
 * global data, which are never freed. A thread's first pin allocates its record; it is freed two
 * epochs after some thread has found that its thread has ended. A bag that is full or flushed, and
 * the end of a thread, allocate a node, which is freed two epochs after its bag has been run.
 */

/* Until the matching epoch_unpin, no call is run that any thread defers after this one. Nests.
 * The first outermost pin of a thread, and every 128th after it, also collects: it advances the
 * epoch if it can, and runs deferred calls (of any thread) that are due. A thread that ends while
 * pinned stops all reclamation for good. */
void epoch_pin(void);

void epoch_unpin(void);

/* Calls call(words), with a copy of a, b and c in words, once every thread that is pinned now has
 * unpinned. Some thread's collection makes the call. The caller is pinned. */
void epoch_defer(void (*call)(uintptr_t *words), uintptr_t a, uintptr_t b, uintptr_t c);

/* Defers zk_free(p). The caller is pinned. */
void epoch_defer_free(void *p);

/* Hands what this thread has deferred to the queue, where any thread's collection finds it, and
 * collects. The caller is pinned. */
void epoch_flush(void);

#endif
