/*
 * trap_inside.h - shared by the trap's parts: trap.c serves and counts, trap_blocks.c keeps the records
 * of blocks, trap_fault.c catches the program's own accesses, trap_kernel.c the kernel's.
 */
#ifndef ZK_TRAP_INSIDE_H
#define ZK_TRAP_INSIDE_H

#include "lock.h"
#include "tally.h"
#include "trap.h"

/* ---- trap_blocks.c */

struct zk_block {
    char *start;
    size_t size;  /* as asked for */
    size_t asked; /* size that decided its route: the first request's */
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    uint32_t touched_in; /* the latest phase after its own in which it was touched; 0: none */
    bool freed;
    bool discarded;  /* by zk_discard_phase, and no begin since: its bytes are still there ... */
    bool dead;       /* ... discarded, and a begin has come since; ... */
    bool bytes_kept; /* ... its bytes were kept all the same */
    bool open;       /* accessible until the next begin, though sealed */
};

/* Sorted by address. Only appended to, or replaced as a whole, so the child of a fork finds it
 * consistent. */
struct zk_blocks {
    size_t count;
    size_t room;
    struct zk_block at[];
};

/* Call all of these with the trap's lock held. */

/* The last block that starts at or below p; NULL if none does. */
struct zk_block *zk_block_at(const void *p);

/* The block whose pages p lies in. */
struct zk_block *zk_block_around(const void *p);

/* Adds one, which must lie above all others. False if there is no memory. */
bool zk_block_add(const struct zk_block *block);

/* If block was the last to be added, takes it back. */
bool zk_block_take_back(const struct zk_block *block);

/* Drops the blocks for which keep, called once for each in order, returns false. If there is no
 * memory for that, keeps all, and returns false. */
bool zk_blocks_keep(bool (*keep)(struct zk_block *block));

size_t zk_block_bytes(const struct zk_block *block); /* of its pages */
size_t zk_in_pages(size_t size);

/* ---- trap_places.c: which place has touched which block */

/* Is this the first call for this block, place and kind of access? The lock is held. */
bool zk_place_is_new(const struct zk_block *block, zk_site site, enum zk_access access);

/* In the child of a fork: forgets what the parent has seen. The lock is held. */
void zk_places_forget(void);

/* ---- trap.c */

struct zk_trap {
    struct zk_lock lock; /* guards all of this */
    uint32_t epoch;      /* the process whose counts these are */
    char *base;
    char *end;
    char *bump;
    char *opened; /* pages below this have been made accessible */
    char *sealed; /* everything below belongs to earlier phases */
    char *dirty;  /* below this, new blocks may contain bytes of earlier ones */
    uint32_t phase;
    struct zk_blocks *blocks;
    size_t added;       /* blocks, since the last begin */
    size_t live_bytes;  /* in pages */
    size_t dead_bytes;  /* in pages, of discarded blocks whose bytes are kept */
    size_t bytes_limit; /* for live_bytes */
    size_t sampled;     /* see trap.c */
    long mappings;      /* made by opening blocks since the last begin */
    long mappings_limit;
    unsigned closings; /* how often what was opened has been closed, since then */
    bool all_open;     /* everything was opened since then */
    struct zk_trap_counts counts;
};
extern struct zk_trap zk_trap;

/* Between enter and unlock, the calling thread may hold locks that its fault handler would need. */
void zk_trap_enter(void);
void zk_trap_lock(void);
void zk_trap_lock_for_fault(void); /* keeps the calling thread's lingering openings */
void zk_trap_unlock(void);

/* Pages that are open for one instruction. */
struct zk_opening {
    char *start;
    size_t bytes; /* 0 if none are */
};

/* A stale access at address: counts it, and opens what it needs. With an opening, opens only pages that the caller
 * closes again after the access; without one, or if that is not possible, the block, until the next begin. False
 * if nothing could be opened. The lock is held. */
bool zk_trap_admit(char *address, enum zk_access access, zk_site site, struct zk_opening *opening);
bool zk_trap_open_pages(const struct zk_block *block, char *address, struct zk_opening *opening);
void zk_trap_close(const struct zk_opening *opening);

/* Counts an access to the block in a phase other than its own. The lock is held. */
void zk_trap_count_stale(struct zk_block *block, enum zk_access access, size_t offset,
                         zk_site access_site);

/* Makes all of a block accessible until the next begin. The lock is held. */
bool zk_trap_open_block(struct zk_block *block);

/* Counts a block, or accesses, that the trap could not watch. The lock is held. */
void zk_trap_count_unwatched(size_t size, uint32_t thread, zk_site site);

/* Notes a stale access by another signal's handler, which has interrupted the thread inside the trap: it is counted
 * when the thread leaves. */
bool zk_trap_note_late(char *address, size_t bytes, enum zk_access access, uintptr_t pc);

/* ---- trap_fault.c */

/* The calling thread is doing something else: closes its lingering openings (see trap_fault.c). The
 * lock is held. */
void zk_trap_lingering_ends(void);

/* ---- trap_kernel.c: blocks that have been passed to the kernel */

/* The calling thread is running, so its earlier system calls are over: closes what they had open.
 * The lock is held. */
void zk_trap_calls_end(void);

/* Takes away access to everything sealed, except blocks that a system call is using, which count as touched.
 * False if the kernel refuses. The lock is held. */
bool zk_trap_seal(void);

/* In the child of a fork: forgets the parent's other threads and their calls. The lock is held. */
void zk_trap_callers_forget(void);

#endif
