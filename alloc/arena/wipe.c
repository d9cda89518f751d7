/*
 * wipe.c - what is dead is overwritten.
 *
 * A slab is wiped by its holder when it recycles it; and by zk_wipe_all, between phases, while its holder may be anywhere.
 * That is right without a lock, and without the holder waiting, because of what it can be doing then:
 *
 * - It is in the slow path, and may be changing chunks. Before it begins to, it sets `busy` and then reads the phase word;
 *   whoever wipes has seen the word of no phase and then reads `busy`. All four are sequentially consistent, so that one
 *   of the two sees the other: the holder turns back, or the wiper waits, and not for ever. No phase can begin meanwhile,
 *   since the wiper has the phase lock.
 * - It is in the fast path, and bumps in its chunk. What lies at or above bump is left alone, and so is a block that is
 *   entered in the log and not yet bumped over: bump is read before the log. Where a slab is wiped regularly, what bumping
 *   comes to was wiped before, so that nothing is left there.
 * - It frees. A block is dead when its mark is there, and marks come before counts: see marks.c. A free that is not
 *   ordered before the call may be missed.
 *
 * Slabs that nobody holds are held meanwhile.
 */
#include "wipe.h"
#include "config.h"
#include "observer.h"
#include "region.h"
#include "slab_books.h"
#include "thread.h"

#include <sched.h>
#include <string.h>
#include <time.h>

static atomic_bool asked; /* for, by zk_wipe_all */

bool zk_wipes(void)
{
    return zk_settings.wipe == ZK_WIPE_PHASE || atomic_load(&asked);
}

static char *lesser(char *a, char *b)
{
    return a < b ? a : b;
}

static char *greater(char *a, char *b)
{
    return a > b ? a : b;
}

/* Bytes that are nobody's. */
static void wipe(char *start, char *end)
{
    size_t bytes;

    if (start >= end)
        return;
    bytes = (size_t)(end - start);
    zk_tell_open(start, bytes);
    memset(start, 0, bytes);
    __asm__ volatile("" : : "r"(start) : "memory"); /* somebody may look */
    zk_tell_close(start, bytes);
}

/* What lies at or above is zero, but for what bumping has come to since the slab was recycled. */
static char *used_end(const struct slab *slab)
{
    return lesser(slab->dirty, slab->soiled);
}

void zk_wipe_used(const struct slab *slab, char *start, char *end)
{
    wipe(start, lesser(end, used_end(slab)));
}

/* ---- One slab ---- */

/* A chunk of the list, as seen once. */
struct view {
    char *start;
    char *behind; /* where the free run behind it starts */
    char *end;    /* of what can be wiped in it */
    char *tail;   /* where its last block ends */
    uint32_t blocks;
};

/* bump was read before. */
static struct view view_of(struct slab *slab, uint32_t index, char *bump, bool ahead)
{
    const struct chunk *chunk = &slab->chunks[index];
    struct view view = {.start = chunk_start(slab, index)};

    if (LOAD(chunk->open) == 0) {
        view.behind = view.end = run_behind(slab, index);
        view.tail = LOAD(chunk->tail);
        view.blocks = LOAD(chunk->blocks);
    } else {
        view.behind = chunk_start(slab, index + 1);
        view.end = ahead ? view.behind : bump;
        view.tail = bump;
        view.blocks = (uint32_t)(LOAD(slab->log) - log_of(slab, index));
    }
    return view;
}

/* What lies before its first block is the end of an earlier chunk's last one up to `from`, if that is kept, and dead if
 * it is not. Nothing lives, or is not zero, from `used` on. */
static void wipe_chunk(struct slab *slab, uint32_t index, struct view view, char *from, char *used)
{
    struct chunk *chunk = &slab->chunks[index];
    uint32_t wiped = LOAD(chunk->open) == 0 ? live_blocks(chunk) + 1 : 0;
    char *dead_from = greater(view.start, from);

    if (wiped != 0 && chunk->wiped == wiped && view.blocks > 0) { /* nothing has died in it since */
        wipe(dead_from, entry_of(slab, index, 0));
        return;
    }
    for (uint32_t i = 0; i < view.blocks; i++) {
        char *p = entry_of(slab, index, i);

        if (p >= view.tail) /* not bumped over as yet */
            break;
        if (zk_slab_is_freed(slab, p))
            continue;
        wipe(dead_from, p);
        dead_from =
            i + 1 < view.blocks ? lesser(entry_of(slab, index, i + 1), view.tail) : view.tail;
    }
    wipe(dead_from, lesser(view.end, used));
    chunk->wiped = wiped;
}

/* A free run. What was given back to the system, or never used, is not touched; blind, that is not known. */
static void wipe_run(struct slab *slab, char *start, char *end)
{
    while (start < end) {
        uint32_t index = chunk_of(slab, start);
        char *next = lesser(chunk_start(slab, index + 1), end);

        if (!slab->pinned || LOAD(slab->chunks[index].word) != 0)
            wipe(start, next);
        start = next;
    }
}

/* All that is dead in it: blocks that were freed, and free memory that has been used. Pinned. ahead: what lies ahead of
 * bump in its chunk as well. By the holder; or, without ahead, by whoever is sure that the holder is not changing chunks,
 * and does not begin to. */
static void wipe_slab(struct slab *slab, bool ahead)
{
    char *bump = LOAD(slab->bump);
    char *used = greater(used_end(slab), bump);
    char *free_from = slab->base;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct view view = view_of(slab, index, bump, ahead);

        wipe_run(slab, free_from, lesser(view.start, used));
        wipe_chunk(slab, index, view, free_from, used);
        free_from = view.behind;
    }
    wipe_run(slab, free_from, used);
}

/* ---- At the first allocation of a phase ---- */

bool zk_wipe_is_done(const struct slab *slab)
{
    return slab->wiped_in != 0 && slab->wiped_in == LOAD(slab->word) &&
           slab->wiped_freed == freed_blocks(slab) && !atomic_load(&slab->owed);
}

/* Behind all that is kept. The chunk that bumping is in is empty as yet. */
static char *end_of_kept(const struct slab *slab)
{
    char *end = slab->base;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next))
        if (LOAD(slab->chunks[index].open) == 0)
            end = greater(end, run_behind(slab, index));
    return end;
}

void zk_wipe_recycled(struct slab *slab, bool done)
{
    if (!done && (zk_settings.wipe == ZK_WIPE_PHASE || atomic_load(&slab->owed))) {
        atomic_store(&slab->owed, false);
        wipe_slab(slab, true);
        done = true;
    }
    if (done)
        slab->soiled = lesser(slab->soiled, end_of_kept(slab));
}

/* ---- All ---- */

/* Not for ever: the holder may have been stopped. False then. */
static bool wait_until_idle(struct slab *slab)
{
    const struct timespec tick = {.tv_nsec = 1000000};

    for (unsigned i = 0; atomic_load(&slab->busy) != 0; i++) {
        if (i >= 200)
            return false;
        if (i < 100)
            sched_yield();
        else
            nanosleep(&tick, NULL);
    }
    return true;
}

/* Blind, nothing tells what is dead before the next begin; and what was discarded may be in use until then. */
static bool can_wait(const struct slab *slab)
{
    uint64_t word = LOAD(slab->discarded);

    return !slab->pinned || (word != 0 && word == LOAD(slab->word));
}

/* Between phases, no holder is in the slow path. False if it is not all. */
static bool wipe_one(struct slab *slab, const struct slab *own)
{
    bool unheld;
    bool ahead;
    uint64_t freed;
    bool all;

    if (atomic_load(&slab->retired)) /* and held for ever */
        return false;
    unheld = zk_slab_claim(slab);
    ahead = slab == own || unheld;
    freed = freed_blocks(slab);
    all = !can_wait(slab) && (ahead || slab->wipes || LOAD(slab->bump) >= used_end(slab));
    wipe_slab(slab, ahead);
    if (all) {
        slab->wiped_in = LOAD(slab->word);
        slab->wiped_freed = freed;
    } else {
        atomic_store(&slab->owed, true);
    }
    if (unheld)
        zk_slab_give_back(slab);
    return all;
}

static bool put_off(void)
{
    for (unsigned i = 0; i < zk_region.slabs; i++)
        atomic_store(&zk_region_slab(i)->owed, true);
    return false;
}

bool zk_wipe_all(bool between)
{
    const struct slab *own = zk_thread_slab();
    bool all = true;

    atomic_store(&asked, true);
    if (!between)
        return put_off();
    for (unsigned i = 0; i < zk_region.slabs; i++)
        if (!wait_until_idle(zk_region_slab(i)))
            return put_off();
    for (unsigned i = 0; i < zk_region.slabs; i++)
        all = wipe_one(zk_region_slab(i), own) && all;
    return all;
}
