/*
 * malloc.c - the two fast paths, and the route that everything else takes.
 *
 * zk_malloc makes two comparisons. The first, against the slab's floor, decides all of: is the
 * block large enough for the arena, is a phase active, is the slab recycled for it, does this
 * thread have a slab. The second is the room left in the chunk.
 */
#include "config.h"
#include "phase.h"
#include "recycle.h"
#include "region.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "thread.h"

#include <errno.h>
#include <string.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static void *malloc_slow(size_t size, struct slab *held);

void *zk_malloc(size_t size)
{
    struct slab *slab = zk_my_slab;
    _Atomic uint32_t *log;
    char *bump;

    /* Relaxed: a begin by another thread that is not ordered before this call may be noticed by the
     * next one instead. One that is, by whatever means, has its store to floor ordered before this
     * load. */
    if (unlikely(size < atomic_load_explicit(&slab->floor, memory_order_relaxed)))
        return malloc_slow(size, slab);
    bump = atomic_load_explicit(&slab->bump, memory_order_relaxed); /* relaxed: our own store */
    if (unlikely(size > (size_t)(slab->limit - bump)))
        return malloc_slow(size, slab);

    /* Log entry, log pointer, bump, in this order: see the top of slab.c for the readers. */
    log = atomic_load_explicit(&slab->log, memory_order_relaxed);
    atomic_store_explicit(log, (uint32_t)(uintptr_t)bump, memory_order_relaxed);
    atomic_store_explicit(&slab->log, log + 1, memory_order_release);
    atomic_store_explicit(
        &slab->bump,
        (char *)(((uintptr_t)bump + size + ZK_GRANULE - 1) & ~(uintptr_t)(ZK_GRANULE - 1)),
        memory_order_release);
    return bump;
}

/* A count with one writer: no read-modify-write instruction is needed. Relaxed: whoever reads it to
 * reuse memory is that writer. */
#define COUNT_ONE(count)                                                                           \
    atomic_store_explicit(&(count), atomic_load_explicit(&(count), memory_order_relaxed) + 1,      \
                          memory_order_relaxed)

/* Not in the calling thread's slab. */
static __attribute__((noinline)) void free_elsewhere(void *p)
{
    if (zk_region_holds(p))
        zk_slab_free_elsewhere(zk_region_slab_of(p), p, zk_settings.recycle == ZK_RECYCLE_PINNED);
    else
        zk_system_free(p);
}

void zk_free(void *p)
{
    struct slab *slab = zk_my_slab;
    size_t offset = (size_t)((char *)p - slab->base);

    if (offset < slab->counted_bytes) { /* blind: the block's bytes wait for the next begin */
        COUNT_ONE(slab->freed);
    } else if (likely(offset < slab->bytes)) { /* pinned: which chunk is it that may have died? */
        COUNT_ONE(slab->chunks[offset >> slab->chunk_shift].freed);
        COUNT_ONE(slab->freed);
    } else {
        free_elsewhere(p);
    }
}

void zk_free_sized(void *p, size_t size)
{
    (void)size;
    zk_free(p);
}

/* The slab that serves a thread that holds slab in the phase of word, recycled for it; NULL when
 * none is left. */
static struct slab *slab_for(struct slab *slab, uint64_t word)
{
    if (slab == &zk_no_slab) {
        slab = zk_thread_take_slab();
        if (slab == NULL)
            return NULL;
    }
    if (atomic_load_explicit(&slab->word, memory_order_relaxed) != word) /* our own store */
        zk_recycle(slab, word);
    return slab;
}

/* Lets the fast path serve from slab again, unless a begin or an end has come since word was read:
 * the other half of the protocol at the top of phase.c, hence sequentially consistent. */
static void open_floor(struct slab *slab, uint64_t word)
{
    size_t floor = zk_settings.min_bytes > 0 ? zk_settings.min_bytes : 1;

    if (atomic_load_explicit(&slab->floor, memory_order_relaxed) == floor)
        return;
    atomic_store(&slab->floor, floor);
    if (atomic_load(&zk_phase_word) != word)
        atomic_store(&slab->floor, ZK_FLOOR_CLOSED);
}

/* The route of a block when the calling thread holds slab. *overflow as in zk_route_arena. */
static void *serve_arena(struct slab *held, size_t size, size_t align, bool *overflow)
{
    /* Acquire: pairs with the store in set_word, so that settings and region are there to be read.
     */
    uint64_t word = atomic_load_explicit(&zk_phase_word, memory_order_acquire);
    struct slab *slab;
    void *p;

    *overflow = false;
    if (!zk_phase_word_active(word) || size < zk_settings.min_bytes)
        return NULL;
    slab = slab_for(held, word);
    p = slab == NULL ? NULL : zk_slab_carve(slab, size, align);
    if (slab != NULL)
        open_floor(slab, word);
    *overflow = p == NULL;
    return p;
}

static void *serve(struct slab *held, size_t size, size_t align)
{
    bool overflow;
    void *p = serve_arena(held, size, align, &overflow);

    if (p != NULL)
        return p;
    p = zk_system_aligned(align, size);
    if (p != NULL)
        zk_thread_count_system(size, overflow);
    return p;
}

/* Takes the slab that the fast path has just looked at. */
static __attribute__((noinline)) void *malloc_slow(size_t size, struct slab *held)
{
    return serve(held, size, ZK_GRANULE);
}

void *zk_route_arena(size_t size, size_t align, bool *overflow)
{
    return serve_arena(zk_my_slab, size, align, overflow);
}

void *zk_route_aligned(size_t align, size_t size)
{
    return serve(zk_my_slab, size, align);
}

void *zk_aligned_alloc(size_t align, size_t size)
{
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return zk_route_aligned(align, size);
}

void *zk_calloc(size_t count, size_t size)
{
    size_t bytes;
    bool overflow;
    char *p;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    p = zk_route_arena(bytes, ZK_GRANULE, &overflow);
    if (p != NULL) {
        const char *dirty = zk_my_slab->dirty; /* from there on, the kernel's zero pages */

        if (p < dirty)
            memset(p, 0, (size_t)(dirty - p) < bytes ? (size_t)(dirty - p) : bytes);
        return p;
    }
    p = zk_system_calloc(count, size);
    if (p != NULL)
        zk_thread_count_system(bytes, overflow);
    return p;
}

size_t zk_usable_size(const void *p)
{
    if (p == NULL)
        return 0;
    if (zk_region_holds(p))
        return zk_slab_block_bytes(zk_region_slab_of(p), p);
    return zk_system_usable((void *)(uintptr_t)p);
}

bool zk_owns(const void *p)
{
    return zk_region_holds(p);
}

size_t zk_high_water(void)
{
    const struct slab *slab = zk_my_slab;
    uint64_t word = atomic_load_explicit(&zk_phase_word, memory_order_acquire);

    if (slab == &zk_no_slab)
        return 0;
    /* Not used in this phase so far: what it holds is what the one before left. */
    return atomic_load_explicit(&slab->word, memory_order_relaxed) == word
               ? slab->high_water
               : zk_slab_phase_bytes(slab);
}
