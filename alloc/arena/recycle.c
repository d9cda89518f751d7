/*
 * recycle.c - blind or pinned.
 *
 * Blind rewinds, no matter what still lives: the allocator whose bugs this project shows. Pinned rewinds when nothing
 * lives, and otherwise keeps every chunk in which something does.
 *
 * Why pinned cannot hand out a byte that lives, and why reclaiming cannot race with a free
 * elsewhere:
 *
 * Only the holder of a slab allocates from it, and only the holder recycles it, at an allocation of its own: the first
 * of a new phase, and within a phase whenever enough has been freed (zk_slab_reuse and zk_slab_drain in reclaim.c, to
 * which all of the following applies). So no block is born in a slab while it is being recycled, and the blocks to account for are those
 * in the logs. A begin, on any thread and at any moment, only closes floors: the worst it can do is make a holder
 * recycle sooner.
 *
 * Blocks may die meanwhile, on any thread. A free elsewhere (on a thread other than the holder) adds 1 to its chunk's
 * count and then 1 to its slab's, both releasing. The holder computes the live blocks of a chunk as entered - freed -
 * freed elsewhere, acquiring. Counts only grow and each block is freed once, so the result is never less than the true
 * number at that moment: a chunk found at 0 has no live block, and, since blocks do not come back to life, has none
 * until the holder itself puts one there. A free that is missed keeps a chunk until the next recycling; that costs
 * memory and nothing else.
 *
 * A chunk's counts are set back to 0 when the chunk is entered again. No count of the chunk's old life can arrive late,
 * in its new one: the chunk was found at 0 live blocks, so every free of the old life has made its addition, and that
 * addition is ordered before the reset by the acquire that saw it. In the shortcut, where only the slab's total is
 * checked, it is the slab's count that is acquired; every free counts in its chunk first.
 *
 * The block of a chunk that has no other may be served again where it is (serve_again in slab.c): it was freed by the
 * holder, no other thread has freed anything there, and its counts are reset as they are when a chunk is entered.
 *
 * In a chunk that is kept, dead pages are found by the marks of its blocks, which every free sets before it counts. A
 * marked block is dead, no one uses its bytes, and the chunk is not entered again before all frees are counted. So no
 * live byte is given back; a mark that is not seen yet just keeps a page. The mark is released by the free and acquired
 * here, so that the freeing thread's last write to the block comes before the discard.
 *
 * What the freeing thread last wrote to or read from a block comes before its release, hence before
 * the holder's acquire, hence before anything that the next owner of those bytes does.
 *
 * recycle.pml, beside this file, is the protocol as a model for spin.
 */
#include "recycle.h"
#include "chaos.h"
#include "config.h"
#include "observer.h"
#include "os.h"
#include "region.h"
#include "tenure.h"
#include "wipe.h"

#include <string.h>

enum {
    growths_to_tell = 16,     /* recycles in a row that pinned more than the one before ... */
    bytes_to_tell = 16 << 20, /* ... and this much by now: the program seems to rely on the reset */
    part_to_tell = 2,         /* or one such, and half of the slab pinned: soon it will be full */
};

/* Makes the used part of a free run read as zero: discards its whole pages, and clears the ends,
 * whose pages may hold live bytes. */
static void discard_run(void *arg, char *start, size_t bytes)
{
    const struct slab *slab = arg;
    char *end = start + bytes < slab->dirty ? start + bytes : slab->dirty;
    struct zk_pages pages = zk_os_whole_pages(start, end);

    if (start >= end)
        return;
    zk_tell_open(start, (size_t)(end - start));
    memset(start, 0, (size_t)(pages.start - start));
    if (!zk_os_discard(pages.start, (size_t)(pages.end - pages.start)))
        memset(pages.start, 0, (size_t)(pages.end - pages.start));
    memset(pages.end, 0, (size_t)(end - pages.end));
    zk_tell_close(start, (size_t)(end - start));
}

static void tell_growth(const struct slab *slab)
{
    static atomic_bool told;
    uint64_t bytes = atomic_load(&slab->pinned_bytes);

    if (slab->growths == 0 || bytes < bytes_to_tell || zk_chaos()) /* not its own phases */
        return;
    if (slab->growths < growths_to_tell && bytes < slab->bytes / part_to_tell)
        return;
    if (atomic_exchange(&told, true))
        return;
    zk_os_say(
        "what is retained grows phase after phase: %llu MiB are pinned in one slab by now. "
        "If the program still needs them, all is well; "
        "blocks that it does not need any more it should free, or declare dead by zk_discard_phase; "
        "zk-audit tells where they come from",
        (unsigned long long)(bytes >> 20));
}

/* Slabs without a holder keep memory too. A thread that wants one while it is being tended does without,
 * this once. */
static void tend_unheld(uint64_t word)
{
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        if (atomic_load(&slab->word) == 0 || atomic_load(&slab->word) + ZK_LONG_UNUSED >= word ||
            !zk_slab_claim(slab))
            continue;
        if (atomic_load(&slab->word) < word) /* nobody has recycled it meanwhile */
            zk_slab_reclaim(slab, word);
        zk_slab_tend(slab, word);
        zk_slab_give_back(slab);
    }
}

static __attribute__((noinline)) void tend(struct slab *slab, uint64_t word)
{
    zk_slab_tend(slab, word);
    zk_tenure_review(word);
    if (slab->pinned)
        tend_unheld(word);
}

void zk_recycle(struct slab *slab, uint64_t word)
{
    bool wiped = zk_wipe_is_done(slab);

    slab->wipes = zk_wipes();
    if (zk_settings.recycle == ZK_RECYCLE_PINNED)
        zk_slab_reclaim(slab, word);
    else
        zk_slab_rewind(slab, word);
    if (slab->wipes)
        zk_wipe_recycled(slab, wiped);
    else if (zk_settings.poison_reset)
        zk_slab_each_run(slab, discard_run, slab);
    tell_growth(slab);
    if (word - slab->tended >= ZK_LONG_UNUSED)
        tend(slab, word);
}

bool zk_recycle_is_due(const struct slab *slab, uint64_t word)
{
    uint64_t last = atomic_load(&slab->word);

    return last + ZK_LONG_UNUSED < word && last != 0 && slab->pinned;
}
