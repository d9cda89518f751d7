/*
 * observer.h - the interface to whatever watches the program's blocks: an audit, or a memory debugger; at most one
 * does. This table of callbacks is all that the arena knows of it.
 *
 * While an observer watches, the process is called "attended" (rare.h). Then, as far as the fast paths can tell, no
 * thread holds a slab: zk_my_slab stays &zk_no_slab. So every allocation and every free takes the slow path to
 * rarely.c, which tells the observer. Without an observer this costs nothing.
 */
#ifndef ZK_OBSERVER_H
#define ZK_OBSERVER_H

#include "rare.h"
#include "route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Serves all blocks that the arena would, instead of the slabs. */
struct zk_stand_in {
    void (*reserve)(void); /* instead of zk_region_reserve: once, under the phase lock */
    void *(*serve)(struct zk_wish wish);  /* NULL if there is no room */
    void (*clear)(void *p, size_t bytes); /* zeroes what it has just served */
    void (*free)(void *p);
    size_t (*usable)(const void *p);
};

/* Callbacks that an observer does not need are NULL. */
struct zk_observer {
    /* Does it watch, given the settings? Called by the first begin, under the phase lock. So is start, once the region
     * is reserved. */
    bool (*wanted)(void);
    void (*start)(void);

    /* begin: the phase of word is about to begin. discarded: it is over, and its blocks are dead. forked: this process
     * is the child of a fork. Under the phase lock. */
    void (*begin)(uint64_t word);
    void (*discarded)(uint64_t word);
    void (*forked)(void);

    /* p was served for a wish, when the phase word was word. It may come from system, in a phase or not. On any
     * thread, as are the calls below. */
    void (*born)(const void *p, const struct zk_wish *wish, uint64_t word);
    /* The first `bytes` bytes of p have been zeroed. */
    void (*zeroed)(void *p, size_t bytes);
    /* p is about to be freed. */
    void (*gone)(void *p);
    /* The program has been told that it may use `bytes` bytes at p, which is in the arena. */
    void (*usable)(void *p, size_t bytes);

    /* p, in the arena, has been resized in place. */
    void (*resized)(const void *p, size_t size);
    /* `bytes` bytes of p will be copied to a new block ... */
    void (*moving)(const void *p, size_t bytes);
    /* ... and now are about to be, to `to`, which was served for this. After that p is freed. */
    void (*moved)(const void *p, const void *to, struct zk_caller caller);
    /* System resizes one of its blocks: must call resize, and return what that returns. */
    void *(*resize_system)(void *p, size_t old_bytes, struct zk_wish wish,
                           void *(*resize)(void *p, size_t old_bytes, struct zk_wish wish));

    /* Called around the allocator's own accesses to free memory of the arena. */
    void (*open)(void *start, size_t bytes);
    void (*close)(void *start, size_t bytes);

    /* A thread ends (the calling one) or is found to have ended. *own is what the observer stored
     * through zk_thread_observers; not NULL. */
    void (*thread_ends)(void **own);

    /* The slab size to use instead of the one wanted. Every observer is asked, watching or not, before
     * the region is reserved. */
    size_t (*slab_bytes)(size_t wanted);

    const struct zk_stand_in *stand_in; /* NULL if the slabs serve */
    bool audits;                        /* provides what ZK_ALLOC_AUDIT asks for */
};

/* The observer that watches; NULL unless attended. */
/* Relaxed: the tables are constant. A thread that reads NULL has not seen a phase yet (see rare.h), and has nothing
 * to report. */
extern __attribute__((visibility("hidden"))) const struct zk_observer *_Atomic zk_observer;

static inline const struct zk_observer *zk_watcher(void)
{
    return zk_attended() ? atomic_load_explicit(&zk_observer, memory_order_relaxed) : NULL;
}

/* Adds a candidate, when the library is loaded. The first one added that wants to watch does. */
void zk_observer_add(const struct zk_observer *observer);

/* Called once, by the first begin, under the phase lock: reserves the region, or has the stand-in do so, and
 * starts the observer that wants to watch, if any. */
void zk_observer_start(void);

/* The slab size after every observer added has had its say. */
size_t zk_observer_slab_bytes(size_t wanted);

/* Has an observer been added that can audit? */
bool zk_observer_audits(void);

/* ---- Called by the rest of the arena. These do nothing unless attended. */

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
