/*
 * trap.h - a stale access is caught when it is made. Every block lies on pages of its own, at
 * addresses that are never used again; a begin takes away access to all that came before it.
 */
#ifndef ZK_TRAP_H
#define ZK_TRAP_H

#include "site.h"
#include "tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the trap may take, and no more: bytes of memory for the pages of live blocks, bytes of address space for all that it
 * ever watches, mappings for what is opened again. */
struct zk_trap_limits {
    size_t memory;
    size_t address;
    size_t mappings;
};
struct zk_trap_limits zk_trap_limits(void);

/* When the library is loaded, if this process is to be trapped: its system calls are watched from here on. */
void zk_trap_load(void);

/* Catches SIGSEGV, and goes on doing so whatever the program has done about it. */
void zk_trap_catch_faults(void);

/* Reserves the region, in place of slabs, and catches SIGSEGV. Called once, under the phase lock.
 */
void zk_trap_start(void);

/* A block of size bytes for the thread of that number, or NULL when there is no room to watch it
 * (which is counted). */
void *zk_trap_serve(size_t size, size_t align, uint32_t thread, struct zk_caller caller);

/* p lies in the region. */
void zk_trap_free(void *p);
size_t zk_trap_usable(const void *p);

/* The block at p, which was served for zeroes, reads as 0 in its first bytes. */
void zk_trap_clear(void *p, size_t bytes);

/* p was grown in its place: from now on it counts as this large, unless it was larger. */
void zk_trap_resized(const void *p, size_t size);

/* A block is being moved: the first request for it is what it was. */
void zk_trap_moved(const void *from, const void *to);

/* The caller is about to read p inside the allocator. */
void zk_trap_touch(const void *p, struct zk_caller caller);

/* Does p lie in the region; in what is of earlier phases? Any thread, without the lock. */
bool zk_trap_holds(const void *p);
bool zk_trap_is_sealed(const void *p);
bool zk_trap_is_sealing(void); /* is there anything of earlier phases? */

/* ---- For dispatch.c: the calling thread is about to make a system call, from pc. ---- */

/* Is the calling thread inside of the trap, interrupted by a signal? */
bool zk_trap_is_inside(void);

/* The calls before are over. */
void zk_trap_call_prepares(void);

/* The call is given address, which lies in the region: its block is opened for as long as the call takes, and is
 * touched if it is stale. True if it was. */
bool zk_trap_reach(char *address, enum zk_access access, uintptr_t pc);

/* All is reached. Whoever makes the call clears the word behind it. */
_Atomic uint32_t *zk_trap_call_begins(void);

/* The thread makes no further calls. */
void zk_trap_caller_ends(void);

/* Everything is opened, or false, and then closed again; looked_away if that was of use. */
bool zk_trap_open_all(void);
void zk_trap_close_all(bool looked_away);

/* Is every place that touches seen? Not where so many do that the program would stand. */
bool zk_trap_sees_all_places(void);

/* A phase begins: what there is, is out of bounds from here on. Under the phase lock. */
void zk_trap_begin(uint32_t phase);

/* What was allocated in phase is dead. Under the phase lock. */
void zk_trap_discard(uint32_t phase);

/* What the trap has seen so far. */
struct zk_trap_counts {
    uint64_t retained;      /* at the last begin */
    uint64_t touched;       /* accesses caught */
    size_t largest_touched; /* blocks, in bytes */
    uint64_t freed_late;
    uint64_t after_free; /* accesses to what had been freed */
    uint64_t unwatched;
};
struct zk_trap_counts zk_trap_counts(void);

#endif
