/*
 * chaos.c - one countdown for all threads, and one generator of random numbers: with one thread, the
 * same seed gives the same boundaries.
 */
#include "chaos.h"
#include "config.h"
#include "phase.h"

static struct {
    uint64_t every;           /* whatever the program configures */
    _Atomic int64_t left;     /* allocations until the next boundary */
    _Atomic uint64_t state;   /* of the boundaries */
    _Atomic uint64_t strides; /* of the rest: one must not disturb the other */
} chaos;

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
    atomic_fetch_or(&zk_rare_flags, ZK_RARE_CHAOS);
}

bool zk_chaos_due(bool *begin)
{
    const unsigned pauses = 8; /* one boundary of so many leaves the arena unused until the next */

    if (atomic_load(&chaos.left) > 0) /* another thread has been here */
        return false;
    *begin = next_random(&chaos.state) % pauses != 0;
    atomic_store(&chaos.left, 1 + (int64_t)(next_random(&chaos.state) % (2 * chaos.every)));
    return true;
}

/* Where the boundary cannot be made at once, the next allocation tries again. */
void zk_chaos_count(uint64_t allocations)
{
    if (atomic_fetch_sub(&chaos.left, (int64_t)allocations) <= (int64_t)allocations)
        zk_phase_cross_if_due();
}

size_t zk_chaos_stride(void)
{
    const size_t most = 8192; /* bytes */
    uint64_t wanted = 64 * chaos.every;

    return (size_t)(next_random(&chaos.strides) % (wanted < most ? wanted : most));
}
