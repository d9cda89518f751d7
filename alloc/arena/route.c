/*
 * route.c - the slow path: a slab for the thread, recycled for the phase; or system, if the block does not belong
 * in the arena, or the arena has no room.
 */
#include "route.h"
#include "os.h"
#include "rarely.h"
#include "recycle.h"
#include "region.h"
#include "slab.h"
#include "steps.h"
#include "system.h"
#include "thread.h"

#include <string.h>

#define unlikely(x) __builtin_expect(!!(x), 0)

/* ---- The arena */

/* The slab that serves the calling thread, which holds `slab` (perhaps zk_no_slab). NULL if none is
 * left. */
static struct slab *slab_for(struct slab *slab)
{
    if (slab == &zk_no_slab)
        return zk_thread_take_slab();
    zk_thread_settle();
    return slab;
}

/* Release: a thread that finds the slab idle sees its books as they are now. */
static void leave(struct slab *slab)
{
    atomic_store_explicit(&slab->busy, 0, memory_order_release);
}

/* Between enter and leave, the holder may change chunks. False if no phase is active any more: then another thread
 * may be wiping the slab. Both accesses are sequentially consistent; wipe.c says why. */
static bool enter(struct slab *slab)
{
    atomic_store(&slab->busy, 1);
    if (zk_phase_word_active(atomic_load(&zk_phase_word)))
        return true;
    leave(slab);
    return false;
}

/* Lets the fast path serve from slab again, unless a begin or an end has come since word was read:
 * the other half of the protocol at the top of phase.c, hence sequentially consistent. */
static void open_floor(struct slab *slab, uint64_t word)
{
    size_t floor = zk_tenure_floor(zk_settings.min_bytes > 0 ? zk_settings.min_bytes : 1);

    if (atomic_load_explicit(&slab->floor, memory_order_relaxed) == floor)
        return;
    atomic_store(&slab->floor, floor);
    if (atomic_load(&zk_phase_word) != word)
        atomic_store(&slab->floor, ZK_FLOOR_CLOSED);
}

/* The same, and afterwards the slab is recycled for the phase of word. */
static inline bool enter_recycled(struct slab *slab, uint64_t word)
{
    if (!enter(slab))
        return false;
    if (atomic_load_explicit(&slab->word, memory_order_relaxed) != word) /* our own store */
        zk_recycle(slab, word);
    return true;
}

void *zk_carve(struct slab *held, struct zk_wish wish, uint64_t word)
{
    struct slab *slab = slab_for(held);
    void *p;

    if (slab == NULL || !enter_recycled(slab, word))
        return NULL;
    p = zk_slab_carve(slab, wish.size, wish.align);
    leave(slab);
    open_floor(slab, word);
    return p;
}

void zk_route_begun(void)
{
    struct slab *slab = zk_my_slab; /* none, attended */
    uint64_t word = zk_phase_word_seen();

    if (!zk_recycle_is_due(slab, word))
        return;
    zk_thread_settle();
    if (enter_recycled(slab, word))
        leave(slab);
}

static __attribute__((noinline)) void drain(struct slab *slab)
{
    uint64_t word = zk_phase_word_seen();

    if (!zk_phase_word_active(word)) /* since its caller looked */
        return;
    zk_thread_settle();
    if (!enter_recycled(slab, word))
        return;
    zk_slab_drain(slab);
    leave(slab);
}

bool zk_route_detour(struct slab *held, size_t size)
{
    bool full = unlikely(zk_slab_detours(held, size)) && !zk_detour;

    if (full)
        drain(held);
    return full;
}

/* The calling thread holds `held`. *overflow: as in zk_route_arena. */
static void *from_arena(struct slab *held, struct zk_wish wish, bool *overflow)
{
    uint64_t word = zk_phase_word_seen();
    void *p;

    *overflow = false;
    if (zk_is_outside(word, wish.size) || zk_detour)
        return NULL;
    if (zk_is_tenured(wish.size)) {
        zk_route_detour(held, wish.size);
        return NULL;
    }
    p = zk_carve(held, wish, word);
    *overflow =
        p == NULL && zk_phase_word_active(zk_phase_word_seen()); /* else it is system's after all */
    return p;
}

void *zk_route_arena(struct zk_wish wish, bool *overflow)
{
    if (unlikely(zk_rare() != 0))
        return zk_rarely_route_arena(wish, overflow);
    return from_arena(zk_my_slab, wish, overflow);
}

bool zk_route_is_arenas(size_t size)
{
    return !zk_is_systems(zk_phase_word_seen(), size);
}

bool zk_route_grow(void *p, size_t old_bytes, size_t size)
{
    struct slab *slab = zk_my_slab; /* zk_no_slab if attended */
    uint64_t word = zk_phase_word_seen();
    bool grown;

    if (!slab->pinned || zk_is_systems(word, size) ||
        !zk_is_below((size_t)((char *)p - slab->base), &slab->bytes) ||
        atomic_load_explicit(&slab->word, memory_order_relaxed) != word || /* our own store */
        size <= old_bytes || /* larger than the program said */
        !enter(slab))
        return false;
    grown = zk_slab_grow(slab, p, old_bytes, size);
    leave(slab);
    if (grown && unlikely(zk_rare() != 0))
        zk_rarely_grown(slab);
    return grown;
}

/* ---- System */

void *zk_ask_system_again(struct zk_wish wish)
{
    if (!zk_region_give_back(wish.size))
        return NULL;
    return zk_system_aligned(wish.align, wish.size);
}

void *zk_from_system(struct zk_wish wish)
{
    void *p = zk_system_aligned(wish.align, wish.size);

    return unlikely(p == NULL) ? zk_ask_system_again(wish) : p;
}

void *zk_zeroed_from_system(struct zk_wish wish)
{
    void *p;

    if (wish.align <= ZK_GRANULE) {
        p = zk_system_calloc(1, wish.size);
        return p == NULL && zk_region_give_back(wish.size) ? zk_system_calloc(1, wish.size) : p;
    }
    p = zk_from_system(wish);
    return p != NULL ? memset(p, 0, wish.size) : NULL;
}

void zk_count_system(const void *p, size_t size, bool overflow)
{
    if (p != NULL && !zk_detour)
        zk_thread_count_system(size, overflow);
}

/* ---- Either */

void *zk_route_by(struct slab *held, struct zk_wish wish)
{
    bool overflow;
    void *p = from_arena(held, wish, &overflow);

    if (p != NULL)
        return p;
    p = zk_from_system(wish);
    zk_count_system(p, wish.size, overflow);
    return p;
}

void *zk_route(struct zk_wish wish)
{
    if (unlikely(zk_rare() != 0))
        return zk_rarely_route(wish);
    return zk_route_by(zk_my_slab, wish);
}

/* ---- Zeroes */

void *zk_zeroed(struct zk_wish wish)
{
    bool overflow;
    void *p;

    if (unlikely(zk_rare() != 0))
        return zk_rarely_zeroed(wish);
    p = from_arena(zk_my_slab, wish, &overflow);
    if (p != NULL) {
        zk_clear(p, wish.size);
        return p;
    }
    p = zk_zeroed_from_system(wish);
    zk_count_system(p, wish.size, overflow);
    return p;
}
