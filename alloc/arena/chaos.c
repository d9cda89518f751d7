/*
 * chaos.c - one countdown for all threads, and one generator of random numbers: with one thread, the
 * same seed gives the same boundaries. Threads draw from the countdown in advance, some allocations at a time, so that
 * they do not meet there at each: with several, a boundary may come that many earlier.
 */
#include "chaos.h"
#include "config.h"
#include "phase.h"

static struct {
    uint64_t every;           /* stays as it is when the program calls zk_configure */
    _Atomic int64_t left;     /* allocations until the next boundary */
    _Atomic uint64_t state;   /* generator for the boundaries */
    _Atomic uint64_t strides; /* generator for the threads' own: must not shift the boundaries */
} chaos;

/* Drawn from the countdown, and not made as yet. Relaxed everywhere: the thread's own; atomic for its signal handlers,
 * which may draw in between: then some are counted twice, or not. */
static _Thread_local _Atomic uint64_t drawn __attribute__((tls_model(ZK_TLS_MODEL)));

/* Of the strides, which nobody repeats but with one thread; 0 before the first one. */
static _Thread_local _Atomic uint64_t stride_state __attribute__((tls_model(ZK_TLS_MODEL)));

/* splitmix64: each step is one addition, so threads can share it. */
static uint64_t next_random(_Atomic uint64_t *state)
{
    uint64_t z = atomic_fetch_add(state, 0x9E3779B97F4A7C15u) + 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

void zk_chaos_start(void)
{
    if (zk_settings.chaos_every == 0)
        return;
    chaos.every = zk_settings.chaos_every;
    atomic_store(&chaos.state, zk_settings.chaos_seed);
    atomic_store(&chaos.left, (int64_t)chaos.every);
    drawn = 0;
    atomic_fetch_or(&zk_rare_flags, ZK_RARE_CHAOS);
}

bool zk_chaos_due(bool *begin)
{
    const unsigned pauses = 8; /* one boundary in this many begins no new phase */

    if (atomic_load(&chaos.left) > 0) /* another thread has made the boundary */
        return false;
    *begin = next_random(&chaos.state) % pauses != 0;
    atomic_store(&chaos.left, 1 + (int64_t)(next_random(&chaos.state) % (2 * chaos.every)));
    return true;
}

/* How many allocations a thread draws in advance: few beside those between two boundaries. */
static uint64_t draw_size(void)
{
    const uint64_t most = 64;
    uint64_t some = chaos.every / 32;

    return some < most ? some : most;
}

/* If the boundary cannot be made now, the next allocation tries again, and nothing is drawn in advance. */
void zk_chaos_count(uint64_t allocations)
{
    uint64_t here = atomic_load_explicit(&drawn, memory_order_relaxed);
    uint64_t advance = draw_size();
    uint64_t rest = 0;
    bool due = false;

    if (allocations <= here) {
        rest = here - allocations;
    } else {
        uint64_t beyond = allocations - here;
        int64_t left = atomic_fetch_sub(&chaos.left, (int64_t)(beyond + advance));

        due = left <= (int64_t)beyond;
        if (left > (int64_t)(beyond + advance))
            rest = advance;
        else if (!due)
            rest = (uint64_t)left - beyond - 1; /* then the countdown is at its end */
    }
    atomic_store_explicit(&drawn, rest, memory_order_relaxed);
    if (due)
        zk_phase_cross_if_due();
}

size_t zk_chaos_stride(void)
{
    const size_t most = 8192; /* bytes */
    uint64_t wanted = 64 * chaos.every;

    /* Relaxed: the thread's own. */
    if (atomic_load_explicit(&stride_state, memory_order_relaxed) == 0)
        atomic_store_explicit(&stride_state, next_random(&chaos.strides), memory_order_relaxed);
    return (size_t)(next_random(&stride_state) % (wanted < most ? wanted : most));
}
