/*
 * record.h - records what each thread allocates and frees in the phases of the first proof.
 *
 * One lock for everything: the first proof is not timed.
 */
#ifndef RECORD_H
#define RECORD_H

#include "plan.h"

#include <stdbool.h>
#include <stdint.h>

enum { record_threads = 256, record_positions = 64 };

/* A thread's allocations in phases; those of phase number k of the proof start at first[k]. */
struct record {
    struct allocation *allocations;
    size_t count;
    size_t room;
    size_t first[record_positions + 1];
    uint32_t clock; /* the next point in time */
};

/* Indexed by the thread's number. */
extern struct record record_of[record_threads];

/* Thread `thread` has allocated p in a phase. */
void record_malloc(uint32_t thread, const void *p, size_t size, size_t align);

/* p, if it is one of the recorded blocks, is about to be freed by `thread`. */
void record_free(uint32_t thread, const void *p);

/* To be called around a realloc, during which the old address may already belong to another block.
 * record_take forgets the block's address and fills *who; false when p is not a recorded block.
 * record_return: the block is at p now, and has `size` bytes. */
struct recorded {
    uint32_t thread;
    uint32_t index;
};
bool record_take(const void *p, struct recorded *who);
void record_return(const void *p, size_t size, struct recorded who);

/* Phase number `position` begins; no thread may be allocating. */
void record_position(uint32_t position);

/* Writes "size count" for all recorded allocations, sorted by size and tab-separated, to path. */
void record_write_sizes(const char *path);

/* Forgets the addresses of the blocks, but not what was allocated. */
void record_close(void);

#endif
