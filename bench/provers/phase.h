/*
 * phase.h - what is measured in a proof between workload_begin and workload_end.
 */
#ifndef PHASE_H
#define PHASE_H

#include "counters.h"

#include <stdbool.h>
#include <stdint.h>

struct phase_sample {
    uint64_t time_ns;
    uint64_t bytes;  /* asked of workload_alloc and workload_zeroed ... */
    uint64_t blocks; /* ... in that many calls */
    struct counters counters;
};

/* Phases are begun only if they are wanted and the allocator has them. To be called before the
 * first phase. */
void phase_set_up(bool wanted);

/* Does a proof begin phases? */
bool phase_is_on(void);

/* From now on, adds what phases take to *sample, which must be all 0. */
void phase_measure(struct phase_sample *sample);

#endif
