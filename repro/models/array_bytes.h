/*
 * array_bytes.h - the size of an array's block, and which arrays are too large. Private to the
 * models.
 */
#ifndef ARRAY_BYTES_H
#define ARRAY_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rust's Layout::array: false with ENOMEM if no block can be that large. */
static inline bool array_bytes(size_t count, size_t element_bytes, size_t *bytes)
{
    if (!__builtin_mul_overflow(count, element_bytes, bytes) && *bytes <= PTRDIFF_MAX)
        return true;
    errno = ENOMEM;
    return false;
}

#endif
