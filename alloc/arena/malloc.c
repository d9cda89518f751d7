/*
 * malloc.c - the two fast paths, malloc and free, and what each does when it cannot serve.
 *
 * zk_malloc makes two comparisons. The first, against the slab's floor, answers four questions at
 * once: does this thread have a slab, is a phase active, has the slab been recycled for it, and is
 * the block large enough for the arena? The second checks the room left in the chunk. Everything else
 * continues in route.c, or in rarely.c in the few processes with something special (rare.h).
 */
#include "also.h"
#include "count.h"
#include "defer.h"
#include "rarely.h"
#include "region.h"
#include "slab.h"
#include "steps.h"
#include "system.h"
#include "thread.h"

#include <errno.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static void *malloc_slow(size_t size, struct slab *held, struct zk_caller caller);

/* The block at bump, for which the chunk has room. */
static inline void *bump_over(struct slab *slab, char *bump, size_t size)
{
    /* Log entry, log pointer, bump, in this order: for the readers' side, see the top of
     * slab_books.h. */
    _Atomic uint32_t *log = atomic_load_explicit(&slab->log, memory_order_relaxed);

    atomic_store_explicit(log, (uint32_t)(uintptr_t)bump, memory_order_relaxed);
    atomic_store_explicit(&slab->log, log + 1, memory_order_release);
    atomic_store_explicit(
        &slab->bump,
        (char *)(((uintptr_t)bump + size + ZK_GRANULE - 1) & ~(uintptr_t)(ZK_GRANULE - 1)),
        memory_order_release);
    return bump;
}

void *zk_malloc(size_t size)
{
    struct slab *slab = zk_my_slab;
    char *bump;

    /* Relaxed: if a begin on another thread is not ordered before this call, it does not matter
     * whether this call notices it or the next. If it is, by whatever means, so is its store to
     * floor. */
    if (unlikely(zk_is_below(size, &slab->floor)))
        return malloc_slow(size, slab, ZK_CALLER);
    bump = atomic_load_explicit(&slab->bump, memory_order_relaxed); /* relaxed: our own store */
    if (unlikely(size > (size_t)(slab->limit - bump)))
        return malloc_slow(size, slab, ZK_CALLER);
    return bump_over(slab, bump, size);
}

static __attribute__((noinline)) void free_in_arena(void *p)
{
    if (zk_region.slabs == 0)
        return; /* a block of the trap's, on a detour, when its lock may be held: its address is
                   never reused anyway */
    zk_slab_free_elsewhere(zk_region_slab_of(p), p, zk_settings.recycle == ZK_RECYCLE_PINNED);
}

static void free_untold(void *p)
{
    if (unlikely(zk_region_holds(p)))
        free_in_arena(p);
    else
        zk_system_free(p);
}

void zk_free_plainly(void *p)
{
    free_untold(p);
}

/* Frees a block that is not in the calling thread's slab. Most are system's, so this is kept short. */
static __attribute__((noinline)) void free_elsewhere(void *p)
{
    if (unlikely(zk_rare() != 0))
        zk_rarely_free(p);
    else
        free_untold(p);
}

/* Sets bit number `bit` modulo 64 of *word. Returns true if it was set already. */
static inline bool set_bit(uint64_t *word, size_t bit)
{
#if defined __x86_64__
    bool was;

    __asm__("btsq %2, %0" : "+r"(*word), "=@ccc"(was) : "r"(bit));
    return was;
#else
    uint64_t before = *word;

    *word |= UINT64_C(1) << bit % 64;
    return *word == before;
#endif
}

/* Pinned recycling: sets the mark, adds to the chunk's sum and count, then to the slab's count, in this order.
 * A fork may cut this short; in the child, a block that is counted is then also marked and in the sum.
 * Relaxed: only this thread writes them. The store of the mark is a release, so that the last writes to the
 * block come before it: see is_marked in marks.c. */
static inline void mark_and_count(struct slab *slab, const char *p, size_t offset)
{
    size_t word = offset >> (ZK_GRANULE_SHIFT + 6);
    struct chunk *chunk = &slab->chunks[offset >> zk_chunk_shift(slab)];
    uint64_t marks = atomic_load_explicit(&slab->marks[word], memory_order_relaxed);

    if (unlikely(set_bit(&marks, offset >> ZK_GRANULE_SHIFT))) {
        zk_slab_freed_twice(slab, p);
        return;
    }
    atomic_store_explicit(&slab->marks[word], marks, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    zk_count_own_32(&chunk->freed_sum, (uint32_t)(uintptr_t)p);
    atomic_signal_fence(memory_order_seq_cst);
    zk_count_own_32(&chunk->freed, 1);
    atomic_signal_fence(memory_order_seq_cst);
    zk_count_own(&slab->freed, 1);
}

/* At or above bump. Takes only what zk_free has in its place, so that the usual case moves no registers for it. */
static __attribute__((noinline)) void free_ahead(char *p)
{
    struct slab *slab = zk_my_slab;

    if (zk_slab_may_free_ahead(slab, p))
        mark_and_count(slab, p, (size_t)(p - slab->base));
}

static inline void free_own(struct slab *slab, char *p, size_t offset)
{
    if (likely(zk_is_before(p, &slab->bump)))
        mark_and_count(slab, p, offset);
    else
        free_ahead(p);
}

void zk_free(void *p)
{
    struct slab *slab = zk_my_slab;
    size_t offset = (size_t)((char *)p - slab->base);

    /* Both limits shrink only when address space is given back that never held a block, so no ordering is
     * needed. */
    if (likely(zk_is_below(offset, &slab->marked_bytes)))
        free_own(slab, p, offset);
    else if (zk_is_below(offset, &slab->bytes))
        zk_count_own(&slab->freed, 1); /* blind: the block is reused after the next begin anyway */
    else
        free_elsewhere(p);
}

void zk_free_sized(void *p, size_t size)
{
    (void)size;
    zk_free(p);
}

/* p is what system had, perhaps nothing. Out of line and done last, so that the usual case needs no frame for it. */
static __attribute__((noinline)) void *malloc_unusually(void *p, size_t size)
{
    if (p == NULL)
        p = zk_ask_system_again((struct zk_wish){.size = size, .align = ZK_GRANULE});
    if (p != NULL)
        zk_thread_count_system(size, false);
    return p;
}

/* From system, with nothing special on: what every program pays outside the arena. */
static inline __attribute__((always_inline)) void *malloc_unseen(size_t size)
{
    void *p = zk_system_malloc(size);

    if (likely(p != NULL) && likely(zk_thread_can_count_system(size)))
        return p;
    return malloc_unusually(p, size);
}

/* Pretenuring raises the floor above the largest size that it has learned. Serves a smaller size that is not among
 * those as the fast path would, or returns NULL. Relaxed: as there. */
static inline void *bump_below_floor(struct slab *slab, size_t size)
{
    char *bump = atomic_load_explicit(&slab->bump, memory_order_relaxed);

    if (atomic_load_explicit(&slab->floor, memory_order_relaxed) == ZK_FLOOR_CLOSED ||
        size - 1 >= (size_t)(slab->limit - bump)) /* and not size 0, which needs a byte */
        return NULL;
    return bump_over(slab, bump, size);
}

/* Of a size that pretenuring has learned. */
static __attribute__((noinline)) void *malloc_tenured(size_t size, struct slab *held)
{
    zk_route_detour(held, size);
    return malloc_unseen(size);
}

/* In a phase, from the slab that the fast path has just looked at. */
static __attribute__((noinline)) void *malloc_in_phase(size_t size, struct slab *held,
                                                       struct zk_caller caller)
{
    void *p;

    if (zk_is_tenured(size))
        return malloc_tenured(size, held);
    p = bump_below_floor(held, size);
    return p != NULL ? p : zk_route_by(held, (struct zk_wish){size, ZK_GRANULE, caller, false});
}

static __attribute__((noinline)) void *malloc_rarely(size_t size, struct zk_caller caller)
{
    if (zk_rarely_passes_on(size))
        return malloc_unseen(size);
    return zk_rarely_route((struct zk_wish){size, ZK_GRANULE, caller, false});
}

/* The one place where malloc checks for rare cases. */
static __attribute__((noinline)) void *malloc_slow(size_t size, struct slab *held,
                                                   struct zk_caller caller)
{
    if (unlikely(zk_rare() != 0))
        return malloc_rarely(size, caller);
    if (likely(zk_is_outside(zk_phase_word_seen(), size)))
        return malloc_unseen(size);
    return malloc_in_phase(size, held, caller);
}

static bool is_alignment(size_t align)
{
    return align != 0 && (align & (align - 1)) == 0;
}

void *zk_aligned_alloc(size_t align, size_t size)
{
    if (!is_alignment(align)) {
        errno = EINVAL;
        return NULL;
    }
    return zk_route((struct zk_wish){size, align, ZK_CALLER, false});
}

/* NULL with ENOMEM when the product overflows. */
static inline void *zeroed_array(size_t count, struct zk_wish wish)
{
    if (__builtin_mul_overflow(count, wish.size, &wish.size)) {
        errno = ENOMEM;
        return NULL;
    }
    return zk_zeroed(wish);
}

void *zk_calloc(size_t count, size_t size)
{
    return zeroed_array(count, (struct zk_wish){size, ZK_GRANULE, ZK_CALLER, false});
}

void *zk_aligned_calloc(size_t align, size_t count, size_t size)
{
    if (!is_alignment(align)) {
        errno = EINVAL;
        return NULL;
    }
    return zeroed_array(count, (struct zk_wish){size, align, ZK_CALLER, false});
}

size_t zk_usable_size(const void *p)
{
    if (p == NULL)
        return 0;
    if (unlikely(zk_rare() != 0))
        return zk_rarely_usable_size(p);
    if (zk_region_holds(p))
        return zk_slab_block_bytes(zk_region_slab_of(p), p);
    return zk_system_usable((void *)(uintptr_t)p);
}

bool zk_owns(const void *p)
{
    if (zk_defers())
        return zk_other->owns(p);
    return zk_region_holds(p);
}

size_t zk_high_water(void)
{
    const struct slab *slab;
    uint64_t word = zk_phase_word_seen();

    if (zk_defers())
        return zk_other->high_water();
    slab = zk_thread_slab();
    if (slab == &zk_no_slab)
        return 0;
    /* If the slab has not been used in this phase yet, its books are still those of the last phase
     * in which it was. */
    return atomic_load_explicit(&slab->word, memory_order_relaxed) == word
               ? slab->high_water
               : zk_slab_phase_bytes(slab);
}

ZK_ALSO(malloc, zk_malloc);
ZK_ALSO(calloc, zk_calloc);
ZK_ALSO(free, zk_free);
