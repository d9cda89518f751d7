/*
 * tenure.c - what pretenuring learns, and when it forgets.
 */
#include "tenure.h"
#include "config.h"
#include "rare.h"

enum {
    least_waste = 2 << 20, /* bytes of waste that are always allowed, ... */
    part_of_live = 4,      /* ... or a quarter of what lives, ... */
    part_of_phase = 16,    /* ... or a sixteenth of what a phase takes, whichever is most; */
    part_again = 4,        /* but only a quarter of that, if sizes were learned and forgotten */
    first_chance = 2 * 64, /* 64 phases until what was learned is forgotten; doubled each time */
    last_chance = 2 << 20,
};

_Atomic uint64_t zk_tenured;

/* All sequentially consistent, as they are rarely accessed. No invariant spans two of them. */
static struct {
    _Atomic int64_t waste;
    _Atomic uint64_t known;  /* what was learned before it was last forgotten */
    _Atomic uint64_t chance; /* phase words from the first lesson until all is forgotten */
    _Atomic uint64_t due;    /* the word at which that is so */
    atomic_bool stopped;
} tenure = {.chance = first_chance};

/* The smallest size of a class. */
static size_t first_size(unsigned class)
{
    return class == 0 ? 1 : (size_t)(4 + class % 4) << (class / 4 + 2);
}

static size_t size_above(uint64_t classes)
{
    return first_size(64 - (unsigned)__builtin_clzll(classes));
}

size_t zk_tenure_floor(size_t least)
{
    uint64_t tenured =
        atomic_load_explicit(&zk_tenured, memory_order_relaxed); /* as in the header */

    return tenured == 0 || size_above(tenured) < least ? least : size_above(tenured);
}

void zk_tenure_stats(struct zk_stats *stats)
{
    uint64_t tenured = atomic_load(&zk_tenured);

    stats->tenured_classes = (uint64_t)__builtin_popcountll(tenured);
    if (tenured == 0)
        return;
    stats->tenured_from = first_size((unsigned)__builtin_ctzll(tenured));
    stats->tenured_below = size_above(tenured);
}

void zk_tenure_waste(int64_t more)
{
    if (more != 0)
        atomic_fetch_add(&tenure.waste, more);
}

/* Not under an audit, which assumes that MIN_BYTES alone decides what is in the arena. Not where
 * memory is wiped, since system wipes nothing. */
static bool may_learn(void)
{
    return zk_settings.pretenure == ZK_PRETENURE_LEARN && zk_settings.wipe == ZK_WIPE_OFF &&
           !zk_attended() && !atomic_load(&tenure.stopped);
}

bool zk_tenure_is_due(size_t live_bytes, size_t phase_bytes)
{
    size_t allowed = least_waste;

    if (allowed < live_bytes / part_of_live)
        allowed = live_bytes / part_of_live;
    if (allowed < phase_bytes / part_of_phase)
        allowed = phase_bytes / part_of_phase;
    if (atomic_load(&tenure.known) != 0 && atomic_load(&zk_tenured) == 0)
        allowed /= part_again;
    return may_learn() && atomic_load(&tenure.waste) > (int64_t)allowed;
}

void zk_tenure_learn(uint64_t classes, uint64_t word)
{
    if (classes == 0 || !may_learn())
        return;
    if ((classes & atomic_load(&tenure.known)) != 0)
        classes |= atomic_load(&tenure.known);
    if (atomic_fetch_or(&zk_tenured, classes) == 0)
        atomic_store(&tenure.due, word + atomic_load(&tenure.chance));
}

void zk_tenure_review(uint64_t word)
{
    uint64_t due = atomic_load(&tenure.due);
    uint64_t chance = atomic_load(&tenure.chance);

    if (atomic_load(&zk_tenured) == 0 || word < due)
        return;
    if (!atomic_compare_exchange_strong(&tenure.due, &due, UINT64_MAX)) /* another thread's turn */
        return;
    atomic_store(&tenure.chance, chance < last_chance ? 2 * chance : chance);
    atomic_store(&tenure.known, atomic_exchange(&zk_tenured, 0));
}

void zk_tenure_stop(void)
{
    atomic_store(&tenure.stopped, true);
    atomic_store(&zk_tenured, 0);
}
