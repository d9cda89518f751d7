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

/* Copies old_bytes of p, or the wish's size if that is less. */
static void *move(void *p, size_t old_bytes, struct zk_wish wish)
{
    size_t carried = old_bytes < wish.size ? old_bytes : wish.size;
    void *to;

    wish.moves = true;
    zk_tell_moving(p, carried);
    to = zk_route(wish);
    if (to == NULL)
        return NULL;
    zk_tell_moved(p, to, wish.caller);
    if (zk_settings.copy == ZK_COPY_FORWARD)
        copy_forward(to, p, carried);
    else
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
    wish.moves = true;
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
    return zk_resize(p, (struct zk_wish){size, ZK_GRANULE, ZK_CALLER, false});
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
    return zk_resize_sized(p, old_size, (struct zk_wish){size, align, ZK_CALLER, false});
}

ZK_ALSO(realloc, zk_realloc);
