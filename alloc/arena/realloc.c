/*
 * realloc.c - resizing: which blocks stay, which move and to where, and how their bytes are copied.
 */
#include "also.h"
#include "config.h"
#include "defer.h"
#include "observer.h"
#include "os.h"
#include "phase.h"
#include "region.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "thread.h"

#include <errno.h>
#include <string.h>

/* Copies ascending, a word at a time, as a naive memcpy does: where the destination starts inside
 * the source, the upper half of the source is overwritten before it is read. The compiler is kept
 * from recognising a memcpy and replacing it with one that handles this. */
__attribute__((noinline, optimize("no-tree-loop-distribute-patterns"))) static void
copy_forward(char *to, const char *from, size_t bytes)
{
    size_t i = 0;

    for (; i + sizeof(uint64_t) <= bytes; i += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, from + i, sizeof word);
        memcpy(to + i, &word, sizeof word);
        __asm__ volatile("" ::: "memory");
    }
    for (; i < bytes; i++) {
        to[i] = from[i];
        __asm__ volatile("" ::: "memory");
    }
}

/* ---- Moving pages ---- */

/* Blocks of at least this size are always moved, and ... */
static const size_t moved_from = (size_t)32 << 20;

/* ... what is moved then starts and ends at a multiple of this, so that however often blocks are moved, there is at most
 * one mapping for so many bytes of a slab. */
static const size_t grid = (size_t)4 << 20;

/* A move of any pages can cost the process two of its mappings. Most are left for the program. */
static bool may_use_mappings(void)
{
    static _Atomic size_t moves;
    const size_t most = zk_os_mappings_max() / 16;

    return atomic_load(&moves) < most && atomic_fetch_add(&moves, 1) < most;
}

/* Is it cheaper to move these pages of a new block, or of most of it, than to copy to them? If most are not in memory
 * yet, each would cost a page fault on top, and both blocks' pages would be in memory for a while; and for large blocks
 * it is cheaper anyway. */
static struct zk_pages pages_to_move(char *start, char *end)
{
    struct zk_pages pages = zk_os_whole_pages(start, end);
    size_t bytes = (size_t)(pages.end - pages.start);

    if (bytes >= moved_from) {
        pages.start += -(uintptr_t)pages.start & (grid - 1);
        pages.end -= (uintptr_t)pages.end & (grid - 1);
    } else if (zk_os_resident(pages.start, bytes) > bytes / 2 || !may_use_mappings()) {
        pages.end = pages.start;
    }
    return pages;
}

/* A program may be wrong about it, and then the pages may be another block's. */
static bool is_live_block(const char *p)
{
    struct slab *slab = zk_region_slab_of(p);

    return zk_slab_block_start(slab, p) == p && !zk_slab_is_freed(slab, p);
}

/* Moves as many whole pages of a large block as is worth it, and copies the rest. False if nothing was done. Not under an
 * audit, which follows addresses. Locked memory is not moved, since its old place would not be locked any more: it cannot
 * be discarded. */
static bool move_pages(char *to, char *from, size_t bytes)
{
    struct zk_pages target;
    size_t before;
    size_t moved;

    if (bytes < ZK_LARGE_FROM || ((uintptr_t)to - (uintptr_t)from) % zk_os_page_bytes() != 0 ||
        !zk_region_holds(to) || !zk_region_holds(from) || zk_attended() ||
        zk_settings.recycle != ZK_RECYCLE_PINNED || !is_live_block(from))
        return false;
    target = pages_to_move(to, to + bytes);
    before = (size_t)(target.start - to);
    moved = (size_t)(target.end - target.start);
    if (moved == 0 || !zk_os_discard(target.start, moved) ||
        !zk_os_move(target.start, from + before, moved))
        return false;
    memcpy(to, from, before);
    memcpy(target.end, from + before + moved, bytes - before - moved);
    return true;
}

/* ---- Moving blocks ---- */

/* Copies old_bytes of p, or the wish's size if that is less. */
static void *move(void *p, size_t old_bytes, struct zk_wish wish)
{
    size_t carried = old_bytes < wish.size ? old_bytes : wish.size;
    void *to;

    wish.moved = p;
    zk_tell_moving(p, carried);
    to = zk_route(wish);
    if (to == NULL)
        return NULL;
    zk_tell_moved(p, to, wish.caller);
    if (zk_settings.copy == ZK_COPY_FORWARD)
        copy_forward(to, p, carried);
    else if (!move_pages(to, p, carried))
        memmove(to, p, carried);
    zk_free(p);
    return to;
}

/* p, which the arena served, has room for size, and stays. */
static void *stay(void *p, size_t size)
{
    zk_tell_resized(p, size);
    return p;
}

/* Resizes by the C library. NULL if it has no memory; then p is untouched. */
static void *resize_by_system(void *p, size_t old_bytes, struct zk_wish wish)
{
    void *to;

    if (wish.align <= ZK_GRANULE) {
        to = zk_system_realloc(p, wish.size);
        return to == NULL && zk_region_give_back(wish.size) ? zk_system_realloc(p, wish.size) : to;
    }
    to = zk_system_aligned(wish.align, wish.size);
    if (to == NULL && zk_region_give_back(wish.size))
        to = zk_system_aligned(wish.align, wish.size);
    if (to == NULL)
        return NULL;
    memcpy(to, p, old_bytes < wish.size ? old_bytes : wish.size);
    zk_system_free(p);
    return to;
}

/* Through the observer, if it wants that. */
static void *resize_in_system(void *p, size_t old_bytes, struct zk_wish wish)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->resize_system != NULL)
        return observer->resize_system(p, old_bytes, wish, resize_by_system);
    return resize_by_system(p, old_bytes, wish);
}

/* Moves a system block into the arena, if the settings say so and the arena takes it. */
static void *migrate(void *p, size_t old_bytes, struct zk_wish wish, bool *overflow)
{
    void *to;

    if (!zk_phase_active() || zk_settings.realloc != ZK_REALLOC_MIGRATE) /* in this order */
        return NULL;
    if (old_bytes == 0) /* unknown: it cannot be copied */
        return NULL;
    wish.moved = p;
    to = zk_route_arena(wish, overflow);
    if (to == NULL)
        return NULL;
    memcpy(to, p, old_bytes < wish.size ? old_bytes : wish.size);
    zk_free(p);
    return to;
}

/* Resizes a system block. Under realloc=sticky it stays one, so that what was allocated outside of
 * phases is never recycled.
 */
static void *resize_system(void *p, size_t old_bytes, struct zk_wish wish)
{
    bool overflow = false;
    void *to = migrate(p, old_bytes, wish, &overflow);

    if (to != NULL)
        return to;
    to = resize_in_system(p, old_bytes, wish);
    if (to != NULL)
        zk_thread_count_system(wish.size, overflow);
    return to;
}

/* Does shrinking the block free enough to be worth a move? It has to move for that, since an arena block ends
 * where the next one starts. Not under an audit, which wants it to stay the same block. */
static bool gives_back(size_t old_bytes, size_t size)
{
    return size < old_bytes / 5 * 2 && old_bytes - size >= zk_os_page_bytes() && !zk_attended() &&
           zk_settings.recycle == ZK_RECYCLE_PINNED;
}

/* A block that has grown once is likely to grow again: leaves it room to do so in place. */
static void *move_and_grow(void *p, size_t old_bytes, struct zk_wish wish)
{
    struct zk_wish roomy = wish;

    if (zk_attended() || zk_settings.recycle != ZK_RECYCLE_PINNED ||
        __builtin_add_overflow(wish.size, wish.size / 4, &roomy.size) ||
        !zk_route_is_arenas(wish.size) ||
        !zk_route_is_arenas(roomy.size)) /* arena or system is decided by its own size */
        return move(p, old_bytes, wish);
    return move(p, old_bytes, roomy);
}

/* Resizes p, an arena block of old_bytes. */
static void *resize_arena(void *p, size_t old_bytes, struct zk_wish wish)
{
    void *to = NULL;

    if (((uintptr_t)p & (wish.align - 1)) != 0)
        return move(p, old_bytes, wish);
    if (wish.size > old_bytes)
        return zk_route_grow(p, zk_usable_size(p), wish.size) ? p
                                                              : move_and_grow(p, old_bytes, wish);
    if (gives_back(old_bytes, wish.size))
        to = move(p, old_bytes, wish);
    return to != NULL ? to : stay(p, wish.size);
}

void *zk_resize(void *p, struct zk_wish wish)
{
    size_t old_bytes;

    if (zk_defers())
        return zk_other->resize(p, wish);
    if (p == NULL)
        return zk_route(wish);
    if (wish.size == 0) {
        zk_free(p);
        return NULL;
    }
    old_bytes = zk_usable_size(p);
    if (!zk_region_holds(p))
        return resize_system(p, old_bytes, wish);
    return resize_arena(p, old_bytes, wish);
}

void *zk_realloc(void *p, size_t size)
{
    return zk_resize(p, (struct zk_wish){size, ZK_GRANULE, ZK_CALLER, NULL});
}

void *zk_resize_sized(void *p, size_t old_size, struct zk_wish wish)
{
    if (zk_defers())
        return zk_other->resize_sized(p, old_size, wish);
    if (p == NULL)
        return zk_route(wish);
    if (wish.size == 0) {
        zk_free(p);
        return NULL;
    }
    if (!zk_region_holds(p))
        return resize_system(p, old_size, wish);
    return resize_arena(p, old_size, wish);
}

void *zk_realloc_sized(void *p, size_t old_size, size_t align, size_t size)
{
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return zk_resize_sized(p, old_size, (struct zk_wish){size, align, ZK_CALLER, NULL});
}

ZK_ALSO(realloc, zk_realloc);
