/*
 * injector_joins.h - what injector_block and injector_foreign_thread have in common: how often they
 * push, and what the first push after a boundary damages.
 */
#ifndef INJECTOR_JOINS_H
#define INJECTOR_JOINS_H

#include "models/injector_pool.h"
#include "repro.h"

enum {
    first_joins = 20,            /* so that the block in use at a boundary is used in part ... */
    joins = INJECTOR_BLOCK_JOBS, /* ... and a new one is allocated in each phase */
    flush_joins = 256,           /* as many as the seed's queue drain makes */
};

/* A push writes the job, two pointers of 8 bytes, and sets the lowest bit of the slot's state, the
 * word after it. At the boundary, first_joins slots of the block are used; its slots, of 24 bytes,
 * start after a pointer of 8. Each phase allocates one more block, after its filler. */
static inline size_t injector_damage(const struct repro_run *run, unsigned cycle,
                                     struct repro_damage *runs)
{
    (void)run;
    runs[0] = (struct repro_damage){.offset = (cycle - 1) * 1520ul + 8 + first_joins * 24,
                                    .bytes = 8 + 8 + 1,
                                    .known = 1,
                                    .last = {(REPRO_FILLER & 0xFF) | 1}};
    return 1;
}

#endif
