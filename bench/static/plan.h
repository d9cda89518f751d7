/*
 * plan.h - gives each allocation of a recorded thread a buffer, as somebody would who knows the program: a
 * buffer serves one allocation after another, as long as no two of them live at once.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stddef.h>
#include <stdint.h>

/* Of a block whose owner did not free it: it lives to the end. */
#define PLAN_NEVER UINT32_MAX

/* One allocation. Times count the thread's own allocations and frees, so no two are the same. */
struct allocation {
    size_t size;     /* as asked for */
    size_t need;     /* the most that it grew to */
    size_t align;    /* a power of two */
    uint32_t born;   /* when */
    uint32_t died;   /* when its owner freed it, or PLAN_NEVER */
    uint32_t buffer; /* out: which one serves it */
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

/* realloc, for arrays that grow: glibc's, whoever is malloc. Room for one more than count elements of
 * `bytes` bytes; does not return NULL. */
void *plan_grow(void *array, size_t *room, size_t count, size_t bytes);

#endif
