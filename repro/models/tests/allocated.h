/*
 * allocated.h - how much memory a test's model has taken from the allocator and from the C library.
 */
#ifndef ALLOCATED_H
#define ALLOCATED_H

#include "zkalloc.h"

#include <malloc.h>
#include <stdlib.h>

/* What the process has taken so far. */
static inline struct zk_stats allocated_so_far(void)
{
    struct zk_stats now;

    if (zk_stats(&now) != 0)
        abort();
    return now;
}

/* What the process took from the allocator since *before. Outside of phases, that is blocks and
 * bytes from system. */
static inline struct zk_stats allocated_since(const struct zk_stats *before)
{
    struct zk_stats now = allocated_so_far();

    now.system_count -= before->system_count;
    now.system_bytes -= before->system_bytes;
    return now;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc has it, but no header declares it */
#endif

/* Bytes that the C library has given out and that have not been freed. */
static inline size_t bytes_in_use(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

#endif
