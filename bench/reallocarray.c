/*
 * reallocarray.c - for libraries in this folder that are preloaded with a realloc of their own:
 * reallocarray by means of that. Without it, reallocarray of the next allocator would be called,
 * unseen.
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
