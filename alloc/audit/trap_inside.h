/*
 * trap_inside.h - what the trap's parts share: trap.c serves and counts, trap_blocks.c knows the blocks,
 * trap_fault.c catches the program's own accesses, trap_kernel.c the kernel's.
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
    size_t asked; /* of that, what decided its route: of the first request, if it has grown */
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    uint32_t touched_in; /* the latest phase, not its own, in which it was touched; 0 for none */
    bool freed;
    bool
        discarded; /* by the end of its phase: dead, but its bytes are there until the next begin ... */
    bool dead;     /* ... which has come, and ... */
    bool bytes_kept; /* ... they still are */
    bool open;       /* again, until the next begin */
};

/* By address. Added to, or replaced as a whole: so the child of a fork finds them in order. */
struct zk_blocks {
    size_t count;
    size_t room;
    struct zk_block at[];
};

/* The trap's lock is held in all of these. */

/* The last block that starts at or below p; NULL if none does. */
struct zk_block *zk_block_at(const void *p);

/* The block whose pages p lies in. */
struct zk_block *zk_block_around(const void *p);

/* Adds one, which lies behind all others. False when there is no memory. */
bool zk_block_add(const struct zk_block *block);

/* If block was the last to be added, takes it back. */
bool zk_block_take_back(const struct zk_block *block);

/* Keeps those that keep says, called once for each in order. Without memory all stay, and false. */
bool zk_blocks_keep(bool (*keep)(struct zk_block *block));

size_t zk_block_bytes(const struct zk_block *block); /* of its pages */
size_t zk_in_pages(size_t size);

/* ---- trap_places.c: which place has touched which block */

/* The first time that this is asked of a block, a place and a kind of access. The lock is held. */
bool zk_place_is_new(const struct zk_block *block, zk_site site, enum zk_access access);

/* What the parent of this process has seen is not ours. The lock is held. */
void zk_places_forget(void);

/* ---- trap.c */

struct zk_trap {
    struct zk_lock lock; /* guards all of this */
    uint32_t epoch;      /* the process that the counts are of */
    char *base;
    char *end;
    char *bump;
    char *opened; /* up to here, pages can be used */
    char *sealed; /* what lies below is of earlier phases */
    char *dirty;  /* up to here, bytes of blocks that are gone may lie where the next are served */
    uint32_t phase;
    struct zk_blocks *blocks;
    size_t added;       /* blocks, since the last begin */
    size_t live_bytes;  /* in pages */
    size_t dead_bytes;  /* in pages, of discarded blocks whose bytes are kept */
    size_t bytes_limit; /* of the live ones */
    size_t sampled;     /* see trap.c */
    long mappings;      /* that opening blocks has made, since the last begin */
    long mappings_limit;
    unsigned closings; /* of what was opened, since then */
    bool all_open;     /* since then */
    struct zk_trap_counts counts;
};
extern struct zk_trap zk_trap;

/* From enter to unlock, the calling thread may hold locks that its fault handler would want. */
void zk_trap_enter(void);
void zk_trap_lock(void);
void zk_trap_lock_for_fault(void); /* the program goes on with what it is at */
void zk_trap_unlock(void);

/* Pages that are open for one instruction. */
struct zk_opening {
    char *start;
    size_t bytes; /* 0: none */
};

/* A stale access at address: counts it, and lets the program go on. With an opening, only for so long as it takes:
 * the caller closes it; without one, or where it is not to be had, until the next begin. The lock is held. */
bool zk_trap_admit(char *address, enum zk_access access, zk_site site, struct zk_opening *opening);
bool zk_trap_open_pages(const struct zk_block *block, char *address, struct zk_opening *opening);
void zk_trap_close(const struct zk_opening *opening);

/* The block was accessed in a phase that is not its own. The lock is held. */
void zk_trap_count_stale(struct zk_block *block, enum zk_access access, size_t offset,
                         zk_site access_site);

/* Lets all of a block be accessed until the next begin. The lock is held. */
bool zk_trap_open_block(struct zk_block *block);

/* The trap looked away. The lock is held. */
void zk_trap_count_unwatched(size_t size, uint32_t thread, zk_site site);

/* A stale access by a handler of another signal, that came while the thread was inside: looked at when it leaves. */
bool zk_trap_note_late(char *address, size_t bytes, enum zk_access access, uintptr_t pc);

/* ---- trap_fault.c */

/* The calling thread is at something else: what it had open is closed. The lock is held. */
void zk_trap_lingering_ends(void);

/* ---- trap_kernel.c: blocks that the kernel has been given */

/* The calling thread does something: so the calls that it has made are over. The lock is held. */
void zk_trap_calls_end(void);

/* Takes away access to all that is sealed, but for what a call is using: that is touched. The lock is held. */
bool zk_trap_seal(void);

/* The threads of the parent of this process are not ours, nor are their calls. The lock is held. */
void zk_trap_callers_forget(void);

#endif
