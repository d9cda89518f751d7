/*
 * allocated.h - what a test of a model asks of the allocator and of the C library: how much was taken from it.
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

/* What the process took from the allocator since *before: blocks and bytes from system, where no phase
 * is active. */
static inline struct zk_stats allocated_since(const struct zk_stats *before)
{
    struct zk_stats now = allocated_so_far();

    now.system_count -= before->system_count;
    now.system_bytes -= before->system_bytes;
    return now;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc has it, and no header for it */
#endif

/* Bytes that the C library has given out and not got back. */
static inline size_t bytes_in_use(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

#endif
