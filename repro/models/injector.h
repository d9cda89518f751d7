/*
 * injector.h - the queue through which threads outside a pool hand jobs to it: a FIFO of linked
 * blocks of 63 slots. Faithful to crossbeam-deque 0.8.1 (Injector) in its sizes, in which call
 * allocates and which one frees, in the bytes that a push writes, and in the raw pointers that it
 * keeps.
 *
 * All memory comes from zkalloc. Out of memory is an abort, as in the crate.
 */
#ifndef INJECTOR_H
#define INJECTOR_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

#define INJECTOR_BLOCK_JOBS  63   /* a lap is 64 indices: the last one is the block boundary */
#define INJECTOR_BLOCK_BYTES 1520 /* next 8 + 63 x (job 16 + state 8) */

/* 16 bytes, as JobRef of rayon-core 1.10.1. The thread that takes a job calls run(data), once. */
struct job {
    void *data;
    void (*run)(void *data);
};

/* What an attempt to take a job from a shared queue gave. */
enum steal {
    STEAL_EMPTY,   /* there was none */
    STEAL_SUCCESS, /* one was taken */
    STEAL_RETRY    /* lost a race: try again */
};

struct injector_block;

/* An index and its block. The index counts from bit 1 up; bit 0 of the head's index says that its
 * block is not the last. Padded to two cache lines of its own, as in the crate. */
struct injector_end {
    alignas(128) _Atomic size_t index;
    struct injector_block *_Atomic block;
};

/* 256 bytes. Declared here so that tests can look; only the functions below may write. */
struct injector {
    struct injector_end head; /* where jobs are taken */
    struct injector_end tail; /* where jobs are pushed */
};

/* Makes q an empty queue; the calling thread allocates its first block. No other thread may use q
 * yet. The caller owns q, and calls injector_deinit. */
void injector_init(struct injector *q);

/* Frees q's blocks, and forgets the jobs in them. No other thread may use q any more. */
void injector_deinit(struct injector *q);

/* Appends job. Any thread. The push that claims slot 62, the last of a block, allocates the next
 * block; if another thread is faster, it has done so in vain. Writes 16 bytes of job and one
 * bit. */
void injector_push(struct injector *q, struct job job);

/* Takes the oldest job; *job is written on STEAL_SUCCESS only. Any thread. The thread that takes
 * the last job of a block frees the block, or leaves that to a thread that still reads from it.
 * Waits for a push that has claimed the slot but not written it yet. */
enum steal injector_steal(struct injector *q, struct job *job);

/* Was q empty during the call? Any thread. */
bool injector_is_empty(struct injector *q);

#endif
