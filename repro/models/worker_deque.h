/*
 * worker_deque.h - the queue of one worker of a pool: the owner pushes and pops at the back, any
 * thread steals from the front. Faithful to crossbeam-deque 0.8.1 (Worker, LIFO flavour, and
 * Stealer) in its sizes, in when the buffer grows and shrinks, in which thread allocates, and in
 * the retired buffers that wait in the epoch's bags.
 *
 * All memory comes from zkalloc. Out of memory is an abort, as in the crate.
 */
#ifndef WORKER_DEQUE_H
#define WORKER_DEQUE_H

#include "injector.h" /* struct job, enum steal */

#include <stdbool.h>
#include <stddef.h>

#define DEQUE_MIN_JOBS    64   /* capacity of the first buffer: 64 x 16 = 1024 bytes */
#define DEQUE_INNER_BYTES 384  /* counts, front and back, buffer: 128 each */
#define DEQUE_FLUSH_BYTES 1024 /* a resize to this size or more flushes the epoch's bag */

struct deque_slot;
struct deque_inner;

/* Where the jobs are. 16 bytes. */
struct deque_buffer {
    struct deque_slot *slots;
    size_t capacity; /* in jobs of 16 bytes; a power of two */
};

/* The owner's end. 32 bytes; declared here so that tests can look, only the functions below may
 * write. */
struct worker_deque {
    struct deque_inner *inner;
    struct deque_buffer buffer; /* a copy of the one in *inner */
    size_t flavor; /* only for its size. Popping is always LIFO; nobody pops from a FIFO one */
};

/* A thief's end. 16 bytes. */
struct deque_stealer {
    struct deque_inner *inner;
    size_t flavor;
};

/* Makes d an empty deque. The calling thread allocates, in this order, 1024 bytes of slots, 16 of
 * buffer header, DEQUE_INNER_BYTES. The deque lives until deque_deinit and deque_stealer_drop have
 * been called for each end; the last of them frees it, with the jobs left in it. */
void deque_init(struct worker_deque *d);

/* Only the owner, and only once. */
void deque_deinit(struct worker_deque *d);

/* Another end to steal from. Any thread that may read d. */
struct deque_stealer deque_stealer(const struct worker_deque *d);

/* Ends a stealer. Once for each, when no other thread uses it. */
void deque_stealer_drop(struct deque_stealer *stealer);

/* Adds job at the back. Only the owner. A full buffer is doubled first: the owner allocates the new
 * slots and a header of 16 bytes, pins, defers the free of the old two, and flushes the epoch's
 * bag, which allocates a node (epoch.h). */
void deque_push(struct worker_deque *d, struct job job);

/* Takes the job at the back; false, and *job untouched, if there was none. Only the owner. When
 * jobs are left, but fewer than a fourth of a capacity above DEQUE_MIN_JOBS, the buffer is halved,
 * with the same allocations as when it is doubled. */
bool deque_pop(struct worker_deque *d, struct job *job);

/* Takes the job at the front; *job is written on STEAL_SUCCESS only. Any thread. Pins. */
enum steal deque_steal(const struct deque_stealer *stealer, struct job *job);

/* Was the deque empty during the call? Any thread. */
bool deque_stealer_is_empty(const struct deque_stealer *stealer);

#endif
