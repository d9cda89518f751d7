/*
 * system.h - the other allocator, which serves every block that the arena does not.
 *
 * For a program that calls zk_malloc, system is whatever malloc it is linked with. Where we replace malloc
 * (ZK_INTERPOSE), it is the malloc that the program would have without us: the next one in the loader's
 * search order, be it glibc's or another library's, with all functions taken from one family.
 */
#ifndef ZK_SYSTEM_H
#define ZK_SYSTEM_H

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

/* When the library is loaded. */
void zk_system_load(void);

/* The file that the functions come from; NULL if that is not known. */
const char *zk_system_name(void);

#ifdef ZK_INTERPOSE

/* Looked up when the library is loaded; see family.c. */
struct zk_system {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *p, size_t size);
    void *(*memalign)(size_t align, size_t size);
    void (*free)(void *p);
    size_t (*usable)(void *p); /* NULL if this family cannot tell sizes */
    const char *name;
    bool bystander; /* the program defines malloc, so only some of our functions are called */
};
extern __attribute__((visibility("hidden"))) struct zk_system zk_system;

static inline void *zk_system_malloc(size_t size)
{
    return zk_system.malloc(size);
}

static inline void *zk_system_calloc(size_t count, size_t size)
{
    return zk_system.calloc(count, size);
}

static inline void *zk_system_realloc(void *p, size_t size)
{
    return zk_system.realloc(p, size);
}

static inline void *zk_system_memalign(size_t align, size_t size)
{
    return zk_system.memalign(align, size);
}

static inline void zk_system_free(void *p)
{
    zk_system.free(p);
}

static inline bool zk_system_stands_by(void)
{
    return zk_system.bystander;
}

/* Usable bytes at p; 0 if unknown. */
static inline size_t zk_system_usable(void *p)
{
    return zk_system.usable == NULL ? 0 : zk_system.usable(p);
}

#else

/* Does the program define malloc itself, so that none of its blocks come from us? */
static inline bool zk_system_stands_by(void)
{
    return false;
}

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
    if (align <= 2 * sizeof(void *)) /* malloc aligns to that anyway */
        return zk_system_malloc(size);
    return zk_system_memalign(align, size);
}

#endif
