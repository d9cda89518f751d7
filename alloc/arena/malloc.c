/*
 * malloc.c - the two fast paths, and what each does when it cannot serve.
 *
 * zk_malloc makes two comparisons. The first, against the slab's floor, decides all of: is the
 * block large enough for the arena, is a phase active, is the slab recycled for it, does this
 * thread have a slab. The second is the room left in the chunk. What is left over goes on in route.c;
 * and in rarely.c, in the few processes in which there is something special.
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
    /* Log entry, log pointer, bump, in this order: see the top of slab.c for the readers. */
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

    /* Relaxed: a begin by another thread that is not ordered before this call may be noticed by the
     * next one instead. One that is, by whatever means, has its store to floor ordered before this
     * load. */
    if (unlikely(size < atomic_load_explicit(&slab->floor, memory_order_relaxed)))
        return malloc_slow(size, slab, ZK_CALLER);
    bump = atomic_load_explicit(&slab->bump, memory_order_relaxed); /* relaxed: our own store */
    if (unlikely(size > (size_t)(slab->limit - bump)))
        return malloc_slow(size, slab, ZK_CALLER);
    return bump_over(slab, bump, size);
}

static __attribute__((noinline)) void free_in_arena(void *p)
{
    if (zk_region.slabs == 0)
        return; /* the trap's, on a detour, when its lock may be held: never used again anyway */
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

/* Not in the calling thread's slab, or one of the rare cases. Mostly system's: kept short. */
static __attribute__((noinline)) void free_elsewhere(void *p)
{
    if (unlikely(zk_rare() != 0))
        zk_rarely_free(p);
    else
        free_untold(p);
}

/* Of a word, the bit that the lowest 6 bits of a number say. True: it was set before. */
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

/* Pinned: the mark, the chunk's sum and count, the slab's count, in this order: whoever finds a block counted,
 * in the child of a fork that cuts this short, finds it marked and in the sum. Relaxed: all are ours. The mark
 * itself is released, with what was last written to the block: see zk_slab_is_freed. */
static inline void free_own(struct slab *slab, const char *p, size_t offset)
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

void zk_free(void *p)
{
    struct slab *slab = zk_my_slab;
    size_t offset = (size_t)((char *)p - slab->base);

    /* Both shrink when address space is given back in which there has never been a block: no order needed. */
    if (likely(zk_is_below(offset, &slab->marked_bytes)))
        free_own(slab, p, offset);
    else if (zk_is_below(offset, &slab->bytes))
        zk_count_own(&slab->freed, 1); /* blind: the block's bytes wait for the next begin */
    else
        free_elsewhere(p);
}

void zk_free_sized(void *p, size_t size)
{
    (void)size;
    zk_free(p);
}

/* Out of line, so that who is served pays nothing for it. */
static __attribute__((noinline)) void *ask_again(size_t size)
{
    return zk_ask_system_again((struct zk_wish){.size = size, .align = ZK_GRANULE});
}

/* From system, when nobody looks: what every program pays where it uses no arena. */
static void *malloc_unseen(size_t size)
{
    void *p = zk_system_malloc(size);

    if (unlikely(p == NULL))
        p = ask_again(size);
    if (likely(p != NULL))
        zk_thread_count_system(size, false);
    return p;
}

/* Below the floor because a size above it is learned, and not itself one: as the fast path would, or NULL. Relaxed: as
 * there. */
static inline void *bump_below_floor(struct slab *slab, size_t size)
{
    char *bump = atomic_load_explicit(&slab->bump, memory_order_relaxed);

    if (atomic_load_explicit(&slab->floor, memory_order_relaxed) == ZK_FLOOR_CLOSED ||
        size - 1 >= (size_t)(slab->limit - bump)) /* no size 0, which takes a byte */
        return NULL;
    return bump_over(slab, bump, size);
}

/* In a phase: takes the slab that the fast path has just looked at. */
static __attribute__((noinline)) void *malloc_in_phase(size_t size, struct slab *held,
                                                       struct zk_caller caller)
{
    void *p = bump_below_floor(held, size);

    return p != NULL ? p : zk_route_by(held, (struct zk_wish){size, ZK_GRANULE, caller, false});
}

static __attribute__((noinline)) void *malloc_rarely(size_t size, struct zk_caller caller)
{
    return zk_rarely_route((struct zk_wish){size, ZK_GRANULE, caller, false});
}

/* Whether anything is special is asked here, once. */
static __attribute__((noinline)) void *malloc_slow(size_t size, struct slab *held,
                                                   struct zk_caller caller)
{
    if (unlikely(zk_rare() != 0))
        return malloc_rarely(size, caller);
    if (likely(zk_is_systems(zk_phase_word_seen(), size)))
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

/* NULL with ENOMEM when there is no such size. */
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
    /* Not used in this phase so far: what it holds is what the one before left. */
    return atomic_load_explicit(&slab->word, memory_order_relaxed) == word
               ? slab->high_water
               : zk_slab_phase_bytes(slab);
}

ZK_ALSO(malloc, zk_malloc);
ZK_ALSO(calloc, zk_calloc);
ZK_ALSO(free, zk_free);
