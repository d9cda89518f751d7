/*
 * observer.h - who watches what the program does with its blocks: an audit, or a memory debugger; at most one. All that
 * the arena knows of it is this table.
 *
 * While somebody watches (the process is "attended", see rare.h), no thread holds a slab as far as the fast paths know:
 * zk_my_slab stays &zk_no_slab. So every allocation and every free takes the slow path, which passes it to rarely.c, and
 * that one tells the observer. Without an observer there is no table, and nobody asks for one.
 */
#ifndef ZK_OBSERVER_H
#define ZK_OBSERVER_H

#include "rare.h"
#include "route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Serves in the place of the slabs, all blocks that the arena would serve. */
struct zk_stand_in {
    void (*reserve)(void); /* in place of zk_region_reserve: once, under the phase lock */
    void *(*serve)(struct zk_wish wish);  /* NULL: there is no room */
    void (*clear)(void *p, size_t bytes); /* what it has just served is to read as 0 */
    void (*free)(void *p);
    size_t (*usable)(const void *p);
};

/* What it does not want to be told is NULL. */
struct zk_observer {
    /* Does it watch, under the settings there are? Under the phase lock, by the first begin; so is start, when there is
     * a region. */
    bool (*wanted)(void);
    void (*start)(void);

    /* The phase of word is about to begin; it is over, and its blocks are dead; this is the child of a fork. Under the
     * phase lock. */
    void (*begin)(uint64_t word);
    void (*discarded)(uint64_t word);
    void (*forked)(void);

    /* p was served for a wish, when the phase word was word. It may be system's, in a phase or not. Any thread; so is
     * all that follows. */
    void (*born)(const void *p, const struct zk_wish *wish, uint64_t word);
    /* Its first bytes are 0. */
    void (*zeroed)(void *p, size_t bytes);
    /* p is about to be freed. */
    void (*gone)(void *p);
    /* The program is told that it may use so many bytes at p, in the arena. */
    void (*usable)(void *p, size_t bytes);

    /* p has been grown in its place, in the arena. */
    void (*resized)(const void *p, size_t size);
    /* What is at p will be carried over to somewhere else: bytes of it ... */
    void (*moving)(const void *p, size_t bytes);
    /* ... and is about to be, to `to`, which was served for it. p is read, and then freed. */
    void (*moved)(const void *p, const void *to, struct zk_caller caller);
    /* A block of system's is resized by system: stands around the call of resize, and returns what that returns. */
    void *(*resize_system)(void *p, size_t old_bytes, struct zk_wish wish,
                           void *(*resize)(void *p, size_t old_bytes, struct zk_wish wish));

    /* Around an access of the allocator's own to free memory of the arena. */
    void (*open)(void *start, size_t bytes);
    void (*close)(void *start, size_t bytes);

    /* The calling thread ends, or has ended; *own is what lies at zk_thread_observers, and not NULL. */
    void (*thread_ends)(void **own);

    /* How many bytes a slab is to have, of those wanted. Asked of all, before the region is reserved. */
    size_t (*slab_bytes)(size_t wanted);

    const struct zk_stand_in *stand_in; /* NULL: the slabs serve */
    bool audits;                        /* what ZK_ALLOC_AUDIT asks for */
};

/* The one that watches; NULL unless attended. */
/* Relaxed: the tables are constant. Who is told NULL has seen no phase yet (see rare.h), and has nothing to tell. */
extern const struct zk_observer *_Atomic zk_observer;

static inline const struct zk_observer *zk_watcher(void)
{
    return zk_attended() ? atomic_load_explicit(&zk_observer, memory_order_relaxed) : NULL;
}

/* When the library is loaded: this one may watch, unless one that was added before wants to. */
void zk_observer_add(const struct zk_observer *observer);

/* By the first begin, once, under the phase lock: reserves the region, or has it reserved, and begins to watch if
 * somebody wants to. */
void zk_observer_start(void);

/* Of all that were added. */
size_t zk_observer_slab_bytes(size_t wanted);

/* Is there one that could audit? */
bool zk_observer_audits(void);

/* ---- What the rest of the arena tells. Nothing, unless attended. */

static inline void zk_tell_begin(uint64_t word)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->begin != NULL)
        observer->begin(word);
}

static inline void zk_tell_discarded(uint64_t word)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->discarded != NULL)
        observer->discarded(word);
}

static inline void zk_tell_forked(void)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->forked != NULL)
        observer->forked();
}

static inline void zk_tell_resized(const void *p, size_t size)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->resized != NULL)
        observer->resized(p, size);
}

static inline void zk_tell_moving(const void *p, size_t bytes)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->moving != NULL)
        observer->moving(p, bytes);
}

static inline void zk_tell_moved(const void *p, const void *to, struct zk_caller caller)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->moved != NULL)
        observer->moved(p, to, caller);
}

static inline void zk_tell_open(void *start, size_t bytes)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->open != NULL)
        observer->open(start, bytes);
}

static inline void zk_tell_close(void *start, size_t bytes)
{
    const struct zk_observer *observer = zk_watcher();

    if (observer != NULL && observer->close != NULL)
        observer->close(start, bytes);
}

static inline void zk_tell_thread_ends(void **own)
{
    if (*own != NULL)
        atomic_load_explicit(&zk_observer, memory_order_relaxed)->thread_ends(own);
}

#endif
