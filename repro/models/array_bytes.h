/*
 * array_bytes.h - how large an array's block is, and which are too large: private to the models.
 */
#ifndef ARRAY_BYTES_H
#define ARRAY_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Layout::array of Rust: false with ENOMEM when there is no block of that size. */
static inline bool array_bytes(size_t count, size_t element_bytes, size_t *bytes)
{
    if (!__builtin_mul_overflow(count, element_bytes, bytes) && *bytes <= PTRDIFF_MAX)
        return true;
    errno = ENOMEM;
    return false;
}

#endif
