/*
 * interpose.c - malloc's family, for every program: the functions that are not just another name for
 * a zk_ function (as malloc, calloc, free and realloc are; see malloc.c and realloc.c). C++'s
 * operators are in operators.c.
 */
#include "os.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "zkalloc.h"

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *reallocarray(void *p, size_t count, size_t size);
EXPORT void free_sized(void *p, size_t size);
EXPORT void free_aligned_sized(void *p, size_t align, size_t size);

EXPORT size_t malloc_usable_size(void *p)
{
    return zk_usable_size(p);
}

EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return zk_realloc(p, bytes);
}

/* Like glibc, rounds an alignment up to a power of two. */
EXPORT void *memalign(size_t align, size_t size)
{
    size_t power = ZK_GRANULE;

    if (align > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    while (power < align)
        power *= 2;
    return zk_route((struct zk_wish){size, power, ZK_CALLER, false});
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

/* POSIX says to return the error. Like glibc, also sets errno if there is no memory. */
EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    int saved = errno;
    void *p;

    if (align < sizeof(void *) || (align & (align - 1)) != 0)
        return EINVAL;
    p = zk_route((struct zk_wish){size, align, ZK_CALLER, false});
    if (p == NULL)
        return errno = ENOMEM;
    errno = saved;
    *out = p;
    return 0;
}

EXPORT void *valloc(size_t size)
{
    return zk_route((struct zk_wish){size, zk_os_page_bytes(), ZK_CALLER, false});
}

EXPORT void *pvalloc(size_t size)
{
    size_t page = zk_os_page_bytes();
    size_t pages;

    if (__builtin_add_overflow(size, page - 1, &pages)) {
        errno = ENOMEM;
        return NULL;
    }
    pages &= ~(page - 1);
    return zk_route((struct zk_wish){pages, page, ZK_CALLER, false});
}

EXPORT void free_sized(void *p, size_t size)
{
    (void)size;
    zk_free(p);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
    (void)align;
    (void)size;
    zk_free(p);
}
