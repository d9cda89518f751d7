/*
 * plan.h - assigns a buffer to each allocation of a recorded thread, with knowledge of the whole
 * program: a buffer serves several allocations if no two of them live at the same time.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stddef.h>
#include <stdint.h>

/* The end of a block that its owner did not free: it lives to the end. */
#define PLAN_NEVER UINT32_MAX

/* One allocation. Times count the thread's own allocations and frees, so no two are the same. */
struct allocation {
    size_t size;     /* as asked for */
    size_t need;     /* the most that it grew to */
    size_t align;    /* a power of two */
    uint32_t born;   /* when */
    uint32_t died;   /* when its owner freed it, or PLAN_NEVER */
    uint32_t buffer; /* out: the index of its buffer */
};

struct plan_buffer {
    size_t bytes;
    size_t align;
    struct interval *taken; /* when it is in use, ascending; released before plan_make returns */
    size_t taken_count;
    size_t taken_room;
};

struct plan {
    struct plan_buffer *buffers; /* release by plan_release */
    size_t count;
    size_t room;
};

/* Plans for the allocations of one thread, in the order of their birth, and fills their `buffer`. Without
 * memory the program ends. */
void plan_make(struct plan *plan, struct allocation *allocations, size_t count);

void plan_release(struct plan *plan);

/* Grows an array with glibc's realloc, whatever the program's malloc is: makes room for one more
 * than count elements of `bytes` bytes. Does not return NULL. */
void *plan_grow(void *array, size_t *room, size_t count, size_t bytes);

#endif
