/*
 * system.h - the other allocator: where every block comes from that the arena does not serve.
 */
#ifndef ZK_SYSTEM_H
#define ZK_SYSTEM_H

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static inline void *zk_system_malloc(size_t size)
{
    return malloc(size);
}

static inline void *zk_system_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

static inline void *zk_system_realloc(void *p, size_t size)
{
    return realloc(p, size);
}

/* align is a power of two. */
static inline void *zk_system_aligned(size_t align, size_t size)
{
    void *p = NULL;
    int error;

    if (align <= 2 * sizeof(void *)) /* what malloc gives anyway */
        return malloc(size);
    error = posix_memalign(&p, align, size);
    if (error != 0) {
        errno = error;
        return NULL;
    }
    return p;
}

static inline void zk_system_free(void *p)
{
    free(p);
}

static inline size_t zk_system_usable(void *p)
{
    return malloc_usable_size(p);
}

#endif
