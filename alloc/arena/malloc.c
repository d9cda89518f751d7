/*
 * malloc.c - the two fast paths, and the route that everything else takes.
 *
 * zk_malloc makes two comparisons. The first, against the slab's floor, decides all of: is the
 * block large enough for the arena, is a phase active, is the slab recycled for it, does this
 * thread have a slab. The second is the room left in the chunk.
 */
#include "also.h"
#include "audit.h"
#include "chaos.h"
#include "config.h"
#include "count.h"
#include "defer.h"
#include "os.h"
#include "phase.h"
#include "recycle.h"
#include "region.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "tenure.h"
#include "thread.h"
#include "tools.h"
#include "trap.h"

#include <errno.h>
#include <string.h>

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

/* An audit wants to know of a free before somebody else can get the block. True when it was the
 * audit's own. */
static bool tell_of_free(void *p)
{
    struct zk_born was;

    zk_audit_gone(p, &was);
    if (!zk_region_holds(p))
        return false;
    if (zk_settings.audit == ZK_AUDIT_TRAP) {
        zk_trap_free(p);
        return true;
    }
    if (zk_settings.audit == ZK_AUDIT_OFF)
        zk_tools_freed(p, zk_usable_size(p));
    return false;
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

static __attribute__((noinline)) void free_rarely(void *p)
{
    if (zk_defers())
        zk_other->free(p);
    else if (!zk_attended() || zk_detour || !tell_of_free(p))
        free_untold(p);
}

/* Not in the calling thread's slab, or one of the rare cases. Mostly system's: kept short. */
static __attribute__((noinline)) void free_elsewhere(void *p)
{
    if (unlikely(zk_rare() != 0))
        free_rarely(p);
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
 * in the child of a fork that cuts this short, finds it marked and in the sum. Relaxed: all are ours. */
static inline void free_own(struct slab *slab, const char *p, size_t offset)
{
    size_t word = offset >> (ZK_GRANULE_SHIFT + 6);
    struct chunk *chunk = &slab->chunks[offset >> zk_chunk_shift(slab)];
    uint64_t marks = atomic_load_explicit(&slab->marks[word], memory_order_relaxed);

    if (unlikely(set_bit(&marks, offset >> ZK_GRANULE_SHIFT))) {
        zk_slab_freed_twice(slab, p);
        return;
    }
    atomic_store_explicit(&slab->marks[word], marks, memory_order_relaxed);
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

/* Acquire: pairs with the store in set_word, so that settings and region are there to be read. */
static uint64_t phase_word(void)
{
    return atomic_load_explicit(&zk_phase_word, memory_order_acquire);
}

/* Is a block of size bytes none of the arena's: outside of phases, below MIN_BYTES, or of a size that does not pay
 * there? */
static inline bool is_systems(uint64_t word, size_t size)
{
    return !zk_phase_word_active(word) || size < zk_settings.min_bytes || zk_is_tenured(size);
}

/* The slab that serves a thread that holds slab in the phase of word, recycled for it; NULL when
 * none is left. */
static struct slab *slab_for(struct slab *slab, uint64_t word)
{
    if (slab == &zk_no_slab) {
        slab = zk_thread_take_slab();
        if (slab == NULL)
            return NULL;
    } else {
        zk_thread_settle();
    }
    if (atomic_load_explicit(&slab->word, memory_order_relaxed) != word) /* our own store */
        zk_recycle(slab, word);
    return slab;
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

/* For a thread that holds `held`; word is that of an active phase. NULL when its slab has no room, or
 * it gets none. */
static void *carve(struct slab *held, struct zk_wish wish, uint64_t word)
{
    struct slab *slab = slab_for(held, word);
    void *p;

    if (slab == NULL)
        return NULL;
    p = zk_slab_carve(slab, wish.size, wish.align);
    open_floor(slab, word);
    if (unlikely(zk_chaos())) {
        slab->told_count += p != NULL; /* this one is counted already */
        zk_slab_tighten(slab, zk_chaos_stride());
    }
    return p;
}

static size_t arena_usable(const void *p)
{
    return zk_auditing(ZK_AUDIT_TRAP) ? zk_trap_usable(p)
                                      : zk_slab_block_bytes(zk_region_slab_of(p), p);
}

/* The same, attended. */
static void *carve_attended(struct zk_wish wish, uint64_t word)
{
    void *p;

    if (zk_settings.audit == ZK_AUDIT_TRAP)
        p = zk_trap_serve(wish.size, wish.align, zk_thread_number(), wish.caller);
    else
        p = carve(zk_thread_slab(), wish, word);
    if (p != NULL && zk_settings.audit == ZK_AUDIT_OFF)
        zk_tools_served(p, arena_usable(p));
    else if (p != NULL)
        zk_audit_born(p, wish.size, wish.align, word, wish.caller);
    return p;
}

/* The allocation that is being made, and those that the fast path has made since the last one that
 * came here. */
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

/* For a thread that holds `held`, if it is unattended. *overflow as in zk_route_arena. */
static void *serve_arena(struct slab *held, struct zk_wish wish, bool *overflow)
{
    uint64_t word;
    void *p;

    *overflow = false;
    if (unlikely(zk_chaos()) && !zk_detour && !wish.moves)
        count_for_chaos();
    word = phase_word();
    if (is_systems(word, wish.size) || zk_detour)
        return NULL;
    p = unlikely(zk_attended()) ? carve_attended(wish, word) : carve(held, wish, word);
    *overflow = p == NULL;
    return p;
}

void *zk_route_arena(struct zk_wish wish, bool *overflow)
{
    return serve_arena(zk_my_slab, wish, overflow);
}

bool zk_route_is_arenas(size_t size)
{
    return !is_systems(phase_word(), size);
}

bool zk_route_grow(void *p, size_t old_bytes, size_t size)
{
    struct slab *slab = zk_my_slab; /* none, attended */
    uint64_t word = phase_word();

    if (!slab->pinned || is_systems(word, size) ||
        !zk_is_below((size_t)((char *)p - slab->base), &slab->bytes) ||
        atomic_load_explicit(&slab->word, memory_order_relaxed) != word || /* our own store */
        size <= old_bytes || /* not what it was said to be */
        !zk_slab_grow(slab, p, old_bytes, size))
        return false;
    if (unlikely(zk_chaos()))
        zk_slab_tighten(slab, zk_chaos_stride());
    return true;
}

/* What system served in the arena's place. */
static void *count_system(void *p, struct zk_wish wish, bool overflow)
{
    if (p == NULL || zk_detour)
        return p;
    zk_thread_count_system(wish.size, overflow);
    if (unlikely(zk_attended()))
        zk_audit_born(p, wish.size, wish.align, phase_word(), wish.caller);
    return p;
}

/* System has no memory. If the arena has address space that it has never used, and that might do, it is given
 * back, and system is asked once more. */
static __attribute__((noinline)) void *ask_again(struct zk_wish wish)
{
    if (!zk_region_give_back(wish.size))
        return NULL;
    return zk_system_aligned(wish.align, wish.size);
}

static void *from_system(struct zk_wish wish)
{
    void *p = zk_system_aligned(wish.align, wish.size);

    return likely(p != NULL) ? p : ask_again(wish);
}

static void *serve(struct slab *held, struct zk_wish wish)
{
    bool overflow;
    void *p = serve_arena(held, wish, &overflow);

    if (p != NULL)
        return p;
    return count_system(from_system(wish), wish, overflow);
}

void *zk_route(struct zk_wish wish)
{
    if (zk_defers())
        return zk_other->route(wish);
    return serve(zk_my_slab, wish);
}

/* From system, when nobody looks: what every program pays where it uses no arena. */
static void *malloc_unseen(size_t size)
{
    void *p = zk_system_malloc(size);

    if (unlikely(p == NULL))
        p = ask_again((struct zk_wish){.size = size, .align = ZK_GRANULE});
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

/* In a phase, or seen: takes the slab that the fast path has just looked at. */
static __attribute__((noinline)) void *malloc_rarely(size_t size, struct slab *held,
                                                     struct zk_caller caller)
{
    void *p;

    if (likely(zk_rare() == 0)) {
        p = bump_below_floor(held, size);
        if (p != NULL)
            return p;
    }
    if (zk_defers())
        return zk_other->route((struct zk_wish){size, ZK_GRANULE, caller, false});
    return serve(held, (struct zk_wish){size, ZK_GRANULE, caller, false});
}

static __attribute__((noinline)) void *malloc_slow(size_t size, struct slab *held,
                                                   struct zk_caller caller)
{
    if (likely(zk_rare() == 0 && is_systems(phase_word(), size)))
        return malloc_unseen(size);
    return malloc_rarely(size, held, caller);
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

/* Zeroes what was used before. Much of that is had as zero pages from the kernel, as system's malloc does with
 * blocks of this size: who asks for so much may not touch it all. */
static void zero(char *p, size_t bytes)
{
    const size_t much = (size_t)32 << 20;
    size_t page = zk_os_page_bytes();
    char *first_page = p + (-(uintptr_t)p & (page - 1));
    char *last_page = p + bytes - ((uintptr_t)(p + bytes) & (page - 1));

    if (bytes < much || !zk_os_discard(first_page, (size_t)(last_page - first_page))) {
        memset(p, 0, bytes);
        return;
    }
    memset(p, 0, (size_t)(first_page - p));
    memset(last_page, 0, (size_t)(p + bytes - last_page));
}

/* Clears bytes at p, which the arena has just served: from the slab's dirty mark on, they are the
 * kernel's zero pages. */
static void clear(char *p, size_t bytes)
{
    const char *dirty = zk_thread_slab()->dirty;

    if (p < dirty)
        zero(p, (size_t)(dirty - p) < bytes ? (size_t)(dirty - p) : bytes);
    if (unlikely(zk_attended()) && zk_settings.audit == ZK_AUDIT_OFF)
        zk_tools_zeroed(p, bytes);
}

/* Zeroes from system. */
static void *zeroed_from_system(struct zk_wish wish)
{
    void *p;

    if (wish.align <= ZK_GRANULE) {
        p = zk_system_calloc(1, wish.size);
        return p == NULL && zk_region_give_back(wish.size) ? zk_system_calloc(1, wish.size) : p;
    }
    p = from_system(wish);
    return p != NULL ? memset(p, 0, wish.size) : NULL;
}

void *zk_zeroed(struct zk_wish wish)
{
    bool overflow;
    char *p;

    if (zk_defers())
        return zk_other->zeroed(wish);
    p = zk_route_arena(wish, &overflow);
    if (p != NULL) {
        clear(p, wish.size);
        return p;
    }
    return count_system(zeroed_from_system(wish), wish, overflow);
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

static size_t tell_usable(const void *p)
{
    size_t bytes = arena_usable(p);

    if (zk_auditing(ZK_AUDIT_OFF))
        zk_tools_usable(p, bytes);
    return bytes;
}

size_t zk_usable_size(const void *p)
{
    if (p == NULL)
        return 0;
    if (zk_defers())
        return zk_other->usable_size(p);
    if (zk_region_holds(p))
        return tell_usable(p);
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
    uint64_t word = phase_word();

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
