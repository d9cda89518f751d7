/*
 * counters.h - what the kernel and the processor count for this process, all of its threads
 * together.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

enum counter {
    COUNTER_PAGE_FAULTS,
    COUNTER_CONTEXT_SWITCHES,
    COUNTER_CYCLES,
    COUNTER_INSTRUCTIONS,
    COUNTER_DTLB_MISSES, /* of loads */
    COUNTER_EVENTS,      /* the ones above are perf events; the others are read elsewhere */
    COUNTER_SYSTEM_US = COUNTER_EVENTS, /* processor time in the kernel, as getrusage knows it */
    COUNTER_COPIED_BYTES,               /* by realloc, if libbench_copies.so is preloaded */
    COUNTER_COUNT
};

struct counters {
    uint64_t of[COUNTER_COUNT]; /* 0 where there is no such counter */
};

/* Starts to count. Must be called before other threads start: only threads that start later are
 * counted. */
void counters_open(void);

/* The counts so far. */
void counters_read(struct counters *counters);

/* Can this machine count it? To be called after the last read. */
bool counters_have(enum counter counter);

void counters_close(void);

#endif
