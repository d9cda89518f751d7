/*
 * phase.c - begins and ends the phases of an arena, if the allocator is one, and measures them with
 * the clock and the counters; hands out counted memory.
 *
 * zk_begin_phase is weak: it exists if libzkalloc-preload.so is loaded; under any other malloc a
 * phase is only a measured time.
 */
#include "phase.h"

#include "failure.h"
#include "workload.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

__attribute__((weak)) int zk_begin_phase(void);
__attribute__((weak)) int zk_end_phase(void);

static struct {
    bool on;
    struct phase_sample *sample; /* what is measured is added to it */
    uint64_t begun_ns;
    struct counters begun;
    uint64_t begun_bytes;
    uint64_t begun_blocks;
} phase;

/* The totals of all requests. Relaxed, since these counters order nothing. */
static struct {
    atomic_uint_least64_t bytes;
    atomic_uint_least64_t blocks;
} asked;

void phase_set_up(bool wanted)
{
    phase.on = wanted && zk_begin_phase != NULL && zk_end_phase != NULL;
}

bool phase_is_on(void)
{
    return phase.on;
}

void phase_measure(struct phase_sample *sample)
{
    phase.sample = sample;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void workload_begin(void)
{
    phase.begun_bytes = atomic_load_explicit(&asked.bytes, memory_order_relaxed);
    phase.begun_blocks = atomic_load_explicit(&asked.blocks, memory_order_relaxed);
    counters_read(&phase.begun);
    phase.begun_ns = now_ns();
    if (phase.on && zk_begin_phase() != 0)
        failure(3, "no phase: zk_begin_phase: %s: see zkalloc(3)", strerror(errno));
}

void workload_end(void)
{
    struct phase_sample *sample = phase.sample;
    struct counters ended;

    if (phase.on && zk_end_phase() != 0)
        failure(3, "a phase does not end: zk_end_phase: %s: see zkalloc(3)", strerror(errno));
    sample->time_ns += now_ns() - phase.begun_ns;
    counters_read(&ended);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        sample->counters.of[i] += ended.of[i] - phase.begun.of[i];
    sample->bytes += atomic_load_explicit(&asked.bytes, memory_order_relaxed) - phase.begun_bytes;
    sample->blocks +=
        atomic_load_explicit(&asked.blocks, memory_order_relaxed) - phase.begun_blocks;
}

static void *counted(void *block, size_t bytes)
{
    if (block == NULL)
        failure(3, "out of memory: no block of %zu bytes: want a smaller --log-size", bytes);
    atomic_fetch_add_explicit(&asked.bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&asked.blocks, 1, memory_order_relaxed);
    return block;
}

void *workload_alloc(size_t bytes)
{
    return counted(malloc(bytes), bytes);
}

void *workload_zeroed(size_t bytes)
{
    return counted(calloc(1, bytes), bytes);
}
