/*
 * reallocarray.c - for libraries of this folder that are preloaded with a realloc of their own: reallocarray by it.
 * Without this one, that of the allocator behind them would serve, unseen.
 */
#include <errno.h>
#include <stdlib.h>

__attribute__((visibility("default"))) void *reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}
