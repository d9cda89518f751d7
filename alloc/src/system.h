/*
 * system.h - the other allocator: where every block comes from that the arena does not serve.
 *
 * For a program that calls zk_malloc, that is whatever malloc it is linked with. Where we are malloc
 * ourselves (ZK_INTERPOSE), it is glibc's, by the names that are there for this purpose.
 */
#ifndef ZK_SYSTEM_H
#define ZK_SYSTEM_H

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#ifdef ZK_INTERPOSE

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

/* glibc has no second name for malloc_usable_size; see interpose.c. */
size_t zk_interpose_usable(void *p);

static inline void *zk_system_malloc(size_t size)
{
    return __libc_malloc(size);
}

static inline void *zk_system_calloc(size_t count, size_t size)
{
    return __libc_calloc(count, size);
}

static inline void *zk_system_realloc(void *p, size_t size)
{
    return __libc_realloc(p, size);
}

static inline void *zk_system_memalign(size_t align, size_t size)
{
    return __libc_memalign(align, size);
}

static inline void zk_system_free(void *p)
{
    __libc_free(p);
}

static inline size_t zk_system_usable(void *p)
{
    return zk_interpose_usable(p);
}

#else

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

static inline void *zk_system_memalign(size_t align, size_t size)
{
    void *p = NULL;
    int error = posix_memalign(&p, align, size);

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

/* align is a power of two. */
static inline void *zk_system_aligned(size_t align, size_t size)
{
    if (align <= 2 * sizeof(void *)) /* what malloc gives anyway */
        return zk_system_malloc(size);
    return zk_system_memalign(align, size);
}

#endif
