/*
 * trap.h - catches stale accesses as they are made. Every block lies on pages of its own, at
 * addresses that are never reused; a begin takes away access to everything allocated before it.
 */
#ifndef ZK_TRAP_H
#define ZK_TRAP_H

#include "site.h"
#include "tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that the trap may use: bytes of memory for the pages of live blocks, bytes of address space for all blocks
 * that it ever watches, and mappings for what is opened again. */
struct zk_trap_limits {
    size_t memory;
    size_t address;
    size_t mappings;
};
struct zk_trap_limits zk_trap_limits(void);

/* Called when the library is loaded, if this process runs under the trap: watches its system calls from here
 * on. */
void zk_trap_load(void);

/* Catches SIGSEGV, again if the program has changed its handler. */
void zk_trap_catch_faults(void);

/* Reserves the region, instead of slabs. Called once, under the phase lock.
 */
void zk_trap_start(void);

/* A block of size bytes for the thread of that number, or NULL if there is no room to watch it
 * (which is counted). */
void *zk_trap_serve(size_t size, size_t align, uint32_t thread, struct zk_caller caller);

/* p lies in the region. */
void zk_trap_free(void *p);
size_t zk_trap_usable(const void *p);

/* Zeroes the first bytes of the block at p, which has just been served. */
void zk_trap_clear(void *p, size_t bytes);

/* p was resized in place: from now on it counts as that large, unless it was larger. */
void zk_trap_resized(const void *p, size_t size);

/* A block is being moved: the new one takes over the size of the first request. */
void zk_trap_moved(const void *from, const void *to);

/* The caller is about to read p inside the allocator. */
void zk_trap_touch(const void *p, struct zk_caller caller);

/* Does p lie in the region; in the part of it that belongs to earlier phases ("sealed")? Any
 * thread, without the lock. */
bool zk_trap_holds(const void *p);
bool zk_trap_is_sealed(const void *p);
bool zk_trap_is_sealing(void); /* is any part sealed? */

/* ---- For dispatch.c: the calling thread is about to make a system call, from pc. ---- */

/* Has a signal interrupted the calling thread inside the trap? */
bool zk_trap_is_inside(void);

/* The thread's earlier calls are over. */
void zk_trap_call_prepares(void);

/* The call takes address, which lies in the region: opens its block for the duration of the call, and counts a
 * stale access if it is sealed. Returns whether it was. */
bool zk_trap_reach(char *address, enum zk_access access, uintptr_t pc);

/* All arguments have been reached. The code that makes the call clears the returned word after it. */
_Atomic uint32_t *zk_trap_call_begins(void);

/* The thread makes no further calls. */
void zk_trap_caller_ends(void);

/* Opens everything sealed, and closes it again. open: false if it cannot. close: looked_away says
 * that the call needed it, so accesses may have been missed. */
bool zk_trap_open_all(void);
void zk_trap_close_all(bool looked_away);

/* Is every place that touches a stale block seen? Not if there are so many that the program would
 * come to a standstill. */
bool zk_trap_sees_all_places(void);

/* A phase begins: every block so far is out of bounds from here on. Under the phase lock. */
void zk_trap_begin(uint32_t phase);

/* All blocks allocated in phase are dead. Under the phase lock. */
void zk_trap_discard(uint32_t phase);

/* What the trap has seen so far. */
struct zk_trap_counts {
    uint64_t retained;      /* blocks, at the last begin */
    uint64_t touched;       /* blocks, counted once for each phase in which they were touched */
    size_t largest_touched; /* bytes of the largest such block */
    uint64_t freed_late;
    uint64_t after_free; /* accesses to freed blocks */
    uint64_t unwatched;
};
struct zk_trap_counts zk_trap_counts(void);

#endif
