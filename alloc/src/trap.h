/*
 * trap.h - a stale access is caught when it is made. Every block lies on pages of its own, at
 * addresses that are never used again; a begin takes away access to all that came before it.
 */
#ifndef ZK_TRAP_H
#define ZK_TRAP_H

#include "site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reserves the region, in place of slabs, and catches SIGSEGV. Called once, under the phase lock.
 */
void zk_trap_start(void);

/* A block of size bytes for the thread of that number, or NULL when there is no room to watch it
 * (which is counted). */
void *zk_trap_serve(size_t size, size_t align, uint32_t thread, struct zk_caller caller);

/* p lies in the region. */
void zk_trap_free(void *p);
size_t zk_trap_usable(const void *p);

/* p was grown in its place: from now on it counts as this large, unless it was larger. */
void zk_trap_resized(const void *p, size_t size);

/* The caller is about to read p inside the allocator. */
void zk_trap_touch(const void *p, struct zk_caller caller);

/* A phase begins: what there is, is out of bounds from here on. Under the phase lock. */
void zk_trap_begin(uint32_t phase);

/* What was allocated in phase is dead. Under the phase lock. */
void zk_trap_discard(uint32_t phase);

/* What the trap has seen so far. */
struct zk_trap_counts {
    uint64_t served;
    uint64_t bytes;
    uint64_t retained;      /* at the last begin */
    uint64_t touched;       /* accesses caught */
    size_t largest_touched; /* blocks, in bytes */
    uint64_t freed_late;
    uint64_t after_free; /* accesses to what had been freed */
    uint64_t unwatched;
};
struct zk_trap_counts zk_trap_counts(void);

#endif
