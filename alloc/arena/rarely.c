/*
 * rarely.c - the slow paths again, with the special cases added.
 */
#include "rarely.h"
#include "chaos.h"
#include "defer.h"
#include "observer.h"
#include "region.h"
#include "slab.h"
#include "steps.h"
#include "system.h"
#include "thread.h"

_Atomic unsigned zk_rare_flags = ZK_RARE_NEW;

/* ---- Chaos */

/* Counts the current allocation, and those that the fast path has made since the last one counted
 * here. */
static void count_for_chaos(void)
{
    struct slab *slab = zk_thread_slab();
    uint64_t allocations = 1;

    if (slab != &zk_no_slab) {
        uint64_t count = zk_slab_totals(slab).count;

        allocations += count - slab->told_count;
        slab->told_count = count;
    }
    zk_chaos_count(allocations);
}

/* Makes the fast path come back here soon. A block that was just carved has been counted already. */
static void tighten(struct slab *slab, bool carved)
{
    if (slab == &zk_no_slab)
        return;
    slab->told_count += carved;
    zk_slab_tighten(slab, zk_chaos_stride());
}

/* zk_route_detour, for the calling thread. What was drained is tightened again. */
static void detour(size_t size)
{
    if (zk_route_detour(zk_thread_slab(), size) && zk_chaos())
        tighten(zk_thread_slab(), false);
}

void zk_rarely_grown(struct slab *slab)
{
    if (zk_chaos())
        zk_slab_tighten(slab, zk_chaos_stride());
}

/* ---- Serving */

static void tell_born(const void *p, const struct zk_wish *wish, uint64_t word)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->born != NULL)
        observer->born(p, wish, word);
}

static void *carve(const struct zk_wish *wish, uint64_t word)
{
    const struct zk_observer *observer = zk_watcher();
    void *p;

    if (observer != NULL && observer->stand_in != NULL)
        return observer->stand_in->serve(*wish);
    p = zk_carve(zk_thread_slab(), *wish, word);
    if (zk_chaos())
        tighten(zk_thread_slab(), p != NULL);
    return p;
}

static void *route_arena(const struct zk_wish *wish, bool *overflow)
{
    uint64_t word;
    void *p;

    *overflow = false;
    if (zk_chaos() && !zk_detour && !wish->moves)
        count_for_chaos(); /* a phase may begin here */
    word = zk_phase_word_seen();
    if (zk_is_outside(word, wish->size) || zk_detour)
        return NULL;
    if (zk_is_tenured(wish->size)) {
        detour(wish->size);
        return NULL;
    }
    p = carve(wish, word);
    if (p != NULL)
        tell_born(p, wish, word);
    *overflow = p == NULL && zk_phase_word_active(zk_phase_word_seen()); /* as in route.c */
    return p;
}

bool zk_rarely_passes_on(size_t size)
{
    bool small = size < zk_settings.min_bytes;

    if (zk_rare() != ZK_RARE_CHAOS || zk_detour || (!small && !zk_is_tenured(size)))
        return false;
    count_for_chaos();
    if (!small && zk_phase_word_active(zk_phase_word_seen()))
        detour(size);
    return true;
}

void *zk_rarely_route_arena(struct zk_wish wish, bool *overflow)
{
    return route_arena(&wish, overflow);
}

/* Counts and reports a block that system served. */
static void *systems(void *p, const struct zk_wish *wish, bool overflow)
{
    if (p == NULL || zk_detour)
        return p;
    zk_count_system(p, wish->size, overflow);
    tell_born(p, wish, zk_phase_word_seen());
    return p;
}

void *zk_rarely_route(struct zk_wish wish)
{
    bool overflow;
    void *p;

    if (zk_defers())
        return zk_other->route(wish);
    p = route_arena(&wish, &overflow);
    return p != NULL ? p : systems(zk_from_system(wish), &wish, overflow);
}

void *zk_rarely_zeroed(struct zk_wish wish)
{
    const struct zk_observer *observer;
    bool overflow;
    void *p;

    if (zk_defers())
        return zk_other->zeroed(wish);
    p = route_arena(&wish, &overflow);
    if (p == NULL)
        return systems(zk_zeroed_from_system(wish), &wish, overflow);
    observer = zk_watcher();
    if (observer != NULL && observer->stand_in != NULL)
        observer->stand_in->clear(p, wish.size);
    else
        zk_clear(p, wish.size);
    if (observer != NULL && observer->zeroed != NULL)
        observer->zeroed(p, wish.size);
    return p;
}

/* ---- Blocks that exist */

/* The observer is told before the block can be served again. */
void zk_rarely_free(void *p)
{
    const struct zk_observer *observer;

    if (zk_defers()) {
        zk_other->free(p);
        return;
    }
    observer = zk_detour ? NULL : zk_watcher();
    if (observer != NULL && observer->gone != NULL)
        observer->gone(p);
    if (observer != NULL && observer->stand_in != NULL && zk_region_holds(p))
        observer->stand_in->free(p);
    else
        zk_free_plainly(p);
}

size_t zk_rarely_usable_size(const void *p)
{
    const struct zk_observer *observer;
    void *at = (void *)(uintptr_t)p;
    size_t bytes;

    if (zk_defers())
        return zk_other->usable_size(p);
    if (!zk_region_holds(p))
        return zk_system_usable(at);
    observer = zk_watcher();
    bytes = observer != NULL && observer->stand_in != NULL
                ? observer->stand_in->usable(p)
                : zk_slab_block_bytes(zk_region_slab_of(p), p);
    if (observer != NULL && observer->usable != NULL)
        observer->usable(at, bytes);
    return bytes;
}
