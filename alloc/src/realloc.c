/*
 * realloc.c - moving a block: from where to where, and how its bytes are carried over.
 */
#include "config.h"
#include "phase.h"
#include "region.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "thread.h"

#include <errno.h>
#include <string.h>

/* Copies ascending, a word at a time, as a naive memcpy does: where the destination starts inside
 * the source, the upper half of the source is overwritten before it is read. Kept from being
 * recognised as a memcpy, which a compiler would replace by one that copes. */
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

/* old_bytes of p are carried over, or size, if that is less. */
static void *move(void *p, size_t old_bytes, size_t align, size_t size)
{
    size_t carried = old_bytes < size ? old_bytes : size;
    void *to = zk_route_aligned(align, size);

    if (to == NULL)
        return NULL;
    if (zk_settings.copy == ZK_COPY_FORWARD)
        copy_forward(to, p, carried);
    else
        memmove(to, p, carried);
    zk_free(p);
    return to;
}

/* A system block. Sticky: it stays one, so that what was made outside of phases is never recycled.
 */
static void *resize_system(void *p, size_t old_bytes, size_t align, size_t size)
{
    bool overflow = false;
    void *to;

    if (zk_phase_active() && zk_settings.realloc == ZK_REALLOC_MIGRATE) {
        to = zk_route_arena(size, align, &overflow);
        if (to != NULL) {
            memcpy(to, p, old_bytes < size ? old_bytes : size);
            zk_system_free(p);
            return to;
        }
    }
    if (align > ZK_GRANULE) {
        to = zk_system_aligned(align, size);
        if (to == NULL)
            return NULL;
        memcpy(to, p, old_bytes < size ? old_bytes : size);
        zk_system_free(p);
    } else {
        to = zk_system_realloc(p, size);
        if (to == NULL)
            return NULL;
    }
    zk_thread_count_system(size, overflow);
    return to;
}

void *zk_realloc(void *p, size_t size)
{
    size_t old_bytes;

    if (p == NULL)
        return zk_malloc(size);
    if (size == 0) {
        zk_free(p);
        return NULL;
    }
    old_bytes = zk_usable_size(p);
    if (!zk_region_holds(p))
        return resize_system(p, old_bytes, ZK_GRANULE, size);
    return size <= old_bytes ? p : move(p, old_bytes, ZK_GRANULE, size);
}

void *zk_realloc_sized(void *p, size_t old_size, size_t align, size_t size)
{
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (p == NULL)
        return zk_aligned_alloc(align, size);
    if (size == 0) {
        zk_free(p);
        return NULL;
    }
    if (!zk_region_holds(p))
        return resize_system(p, old_size, align, size);
    if (size <= old_size && ((uintptr_t)p & (align - 1)) == 0)
        return p;
    return move(p, old_size, align, size);
}
