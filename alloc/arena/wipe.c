/*
 * wipe.c - overwrites dead memory with zeros, or gives it back to the kernel.
 *
 * A slab is wiped by its holder when it recycles it, and by zk_wipe_all between phases, while the holder may be doing
 * anything; zk_wipe_idle gives the memory of idle slabs back in the same way. Neither needs a lock of the slab's, and the
 * holder need not wait, whichever of these it is doing:
 *
 * - It is in the slow path, and may be changing chunks. Before it starts to, it sets `busy` and then reads the phase
 *   word; the wiper has seen that no phase is active, and then reads `busy`. All four accesses are sequentially
 *   consistent, so one side sees the other: the holder turns back, or the wiper waits (for a limited time), or does
 *   without. No phase can begin meanwhile, since the wiper has the phase lock. All slabs must be idle, and not just the
 *   one that is wiped: a thread may be looking after another one, which nobody holds, in its own slow path.
 * - It is in the fast path, and bumps in its chunk. The wiper leaves alone what lies at or above bump, and any block that
 *   is entered in the log but not bumped over yet: it reads bump before the log. In a slab that is always wiped before
 *   use, nothing is left there anyway.
 * - It frees. A block is dead once its mark is set, and marks come before counts: see marks.c. A free that is not
 *   ordered before the call may be missed.
 *
 * A slab without a holder is held by the wiper meanwhile.
 */
#include "wipe.h"
#include "config.h"
#include "epoch.h"
#include "observer.h"
#include "os.h"
#include "recycle.h"
#include "region.h"
#include "slab_books.h"
#include "thread.h"

#include <sched.h>
#include <string.h>
#include <time.h>

static atomic_bool asked; /* zk_wipe_all has been called */

bool zk_wipes(void)
{
    return zk_settings.wipe == ZK_WIPE_PHASE || atomic_load(&asked);
}

/* What is done with dead bytes. */
enum treatment { WIPE, GIVE_BACK };

static char *lesser(char *a, char *b)
{
    return a < b ? a : b;
}

static char *greater(char *a, char *b)
{
    return a > b ? a : b;
}

/* Zeroes bytes that belong to no block. */
static void wipe(char *start, char *end)
{
    size_t bytes;

    if (start >= end)
        return;
    bytes = (size_t)(end - start);
    zk_tell_open(start, bytes);
    memset(start, 0, bytes);
    __asm__ volatile("" : : "r"(start) : "memory"); /* the compiler must not drop it */
    zk_tell_close(start, bytes);
}

/* Whole pages of bytes that belong to no block, unless that is too few to be worth a system call. If the kernel refuses,
 * as for locked memory, they stay. */
static void give_back(char *start, char *end)
{
    const size_t least = (size_t)64 << 10;
    struct zk_pages pages = zk_os_whole_pages(start, end);
    size_t bytes = (size_t)(pages.end - pages.start);

    if (bytes >= least)
        zk_os_discard(pages.start, bytes);
}

static void treat(enum treatment how, char *start, char *end)
{
    if (how == WIPE)
        wipe(start, end);
    else
        give_back(start, end);
}

/* Everything at or above this is zero, except what has been bumped over since the slab was
 * recycled. */
static char *used_end(const struct slab *slab)
{
    return lesser(slab->dirty, slab->soiled);
}

void zk_wipe_used(const struct slab *slab, char *start, char *end)
{
    wipe(start, lesser(end, used_end(slab)));
}

/* ---- One slab ---- */

/* A snapshot of a chunk in the list. */
struct view {
    char *start;
    char *behind; /* where the free run after it starts */
    char *end;    /* end of what can be wiped in it */
    char *tail;   /* where its last block ends */
    uint32_t blocks;
};

/* The caller has read bump already. */
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

/* Treats the dead bytes of a chunk. What lies before its first block is dead, except that an earlier chunk's last block,
 * if that chunk is kept, reaches up to `from`. From `used` on there is nothing but zeros. */
static void treat_chunk(struct slab *slab, enum treatment how, uint32_t index, struct view view,
                        char *from, char *used)
{
    struct chunk *chunk = &slab->chunks[index];
    uint32_t wiped = LOAD(chunk->open) == 0 ? live_blocks(chunk) + 1 : 0;
    char *dead_from = greater(view.start, from);

    if (how == WIPE && wiped != 0 && chunk->wiped == wiped &&
        view.blocks > 0) { /* nothing has died since */
        wipe(dead_from, entry_of(slab, index, 0));
        return;
    }
    for (uint32_t i = 0; i < view.blocks; i++) {
        char *p = entry_of(slab, index, i);

        if (p >= view.tail) /* not bumped over yet */
            break;
        if (zk_slab_is_freed(slab, p))
            continue;
        treat(how, dead_from, p);
        dead_from =
            i + 1 < view.blocks ? lesser(entry_of(slab, index, i + 1), view.tail) : view.tail;
    }
    treat(how, dead_from, lesser(view.end, used));
    if (how == WIPE)
        chunk->wiped = wiped;
}

/* Treats a free run. Under pinned, skips chunks that were given back to the kernel or never used; under
 * blind, that is not known. */
static void treat_run(struct slab *slab, enum treatment how, char *start, char *end)
{
    if (how == GIVE_BACK) { /* in one call; what the kernel has already costs nothing */
        give_back(start, end);
        return;
    }
    while (start < end) {
        uint32_t index = chunk_of(slab, start);
        char *next = lesser(chunk_start(slab, index + 1), end);

        if (!slab->pinned || LOAD(slab->chunks[index].word) != 0)
            wipe(start, next);
        start = next;
    }
}

/* Treats everything dead in the slab: freed blocks (under pinned), and free memory that has been used. ahead: also what
 * lies ahead of bump in its chunk. For the holder; or, without ahead, for a thread that has made sure that the holder
 * is not changing chunks, and will not start to. */
static void treat_slab(struct slab *slab, enum treatment how, bool ahead)
{
    char *bump = LOAD(slab->bump);
    char *used = greater(used_end(slab), bump);
    char *free_from = slab->base;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct view view = view_of(slab, index, bump, ahead);

        treat_run(slab, how, free_from, lesser(view.start, used));
        treat_chunk(slab, how, index, view, free_from, used);
        free_from = greater(free_from, view.behind); /* a grown block may end behind later chunks */
    }
    treat_run(slab, how, free_from, used);
}

/* ---- At the first allocation of a phase ---- */

bool zk_wipe_is_done(const struct slab *slab)
{
    return slab->wiped_in != 0 && slab->wiped_in == LOAD(slab->word) &&
           slab->wiped_freed == freed_blocks(slab) && !atomic_load(&slab->owed);
}

/* The end of all that is kept. The chunk that bumping is in is still empty. */
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
        treat_slab(slab, WIPE, true);
        done = true;
    }
    if (done)
        slab->soiled = lesser(slab->soiled, end_of_kept(slab));
}

/* ---- All ---- */

/* Waits for a limited time, since the holder may have been stopped; false then. */
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

/* Must wiping wait until the slab is recycled? Under blind, nothing says what is dead before the next begin,
 * and discarded blocks may be in use until then. */
static bool can_wait(const struct slab *slab)
{
    uint64_t word = LOAD(slab->discarded);

    return !slab->pinned || (word != 0 && word == LOAD(slab->word));
}

/* Wipes one slab, between phases, when no holder is changing chunks. False if not everything could
 * be wiped. */
static bool wipe_one(struct slab *slab, const struct slab *own)
{
    bool unheld;
    bool ahead;
    uint64_t freed;
    bool all;

    if (atomic_load(&slab->retired)) /* its books may be inconsistent */
        return false;
    unheld = zk_slab_claim(slab);
    ahead = slab == own || unheld;
    freed = freed_blocks(slab);
    all = !can_wait(slab) && (ahead || slab->wipes || LOAD(slab->bump) >= used_end(slab));
    treat_slab(slab, WIPE, ahead);
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

/* ---- Idle slabs ---- */

bool zk_wipe_idle_is_due(uint64_t word)
{
    return word / 2 % (ZK_LONG_UNUSED / 2) == 0;
}

/* Is the slab held by a thread of this process that has long not allocated from it? A thread that ended in the middle
 * of a change holds its slab for ever, but its books are not to be read. Discarded blocks may be in use until the slab
 * is recycled, and under blind, nothing says what is dead. */
static bool is_idle(struct slab *slab, uint64_t word)
{
    uint64_t last = LOAD(slab->word);

    return LOAD(slab->held) == zk_epoch() && !atomic_load(&slab->retired) &&
           LOAD(slab->moves) % 2 == 0 && last != 0 && last + ZK_LONG_UNUSED <= word &&
           !can_wait(slab);
}

static bool is_any_busy(void)
{
    for (unsigned i = 0; i < zk_region.slabs; i++)
        if (atomic_load(&zk_region_slab(i)->busy) != 0)
            return true;
    return false;
}

void zk_wipe_idle(uint64_t word)
{
    const struct slab *own = zk_thread_slab();

    if (is_any_busy()) /* some other time */
        return;
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);
        uint64_t freed = freed_blocks(slab);

        if (slab == own || !is_idle(slab, word) ||
            (slab->idle_in == LOAD(slab->word) && slab->idle_freed == freed))
            continue;
        treat_slab(slab, GIVE_BACK, false);
        slab->idle_in = LOAD(slab->word);
        slab->idle_freed = freed;
    }
}
