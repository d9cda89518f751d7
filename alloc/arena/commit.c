/*
 * commit.c - a slab's address space is reserved, and stays inaccessible until bumping gets there. So a
 * process that locks all its memory has only as much of the slab resident as it uses; under strict
 * overcommit, no more than that is charged to it; and what has not been used can be unmapped when address
 * space runs short.
 *
 * One word, slab->extent, settles races between the two: it holds the number of usable chunks and the number
 * of chunks that exist. Only the holder raises the first; any thread may lower the second to the first. Both
 * use compare-and-exchange, so each sees what the other did first.
 */
#include "observer.h"
#include "os.h"
#include "slab_books.h"

static uint64_t extent_of(uint64_t usable, uint64_t there)
{
    return usable << 32 | there;
}

static uint64_t usable_of(uint64_t extent)
{
    return extent >> 32;
}

static uint64_t there_of(uint64_t extent)
{
    return extent & UINT32_MAX;
}

/* The pages that hold [from, to). */
static bool allow(const void *from, const void *to)
{
    uintptr_t page = zk_os_page_bytes();
    uintptr_t start = (uintptr_t)from & ~(page - 1);
    uintptr_t end = ((uintptr_t)to + page - 1) & ~(page - 1);

    return zk_os_allow((void *)start, end - start);
}

/* The books first, so that data never lack books. */
static bool open_chunks(const struct slab *slab, uint64_t from, uint64_t to)
{
    size_t words = chunk_granules(slab) / 64; /* of marks */

    return allow(&slab->chunks[from], &slab->chunks[to + 1]) && /* and the one past the end */
           allow(&slab->marks[from * words], &slab->marks[to * words]) &&
           allow(&slab->marks_elsewhere[from * words], &slab->marks_elsewhere[to * words]) &&
           allow(log_of(slab, from), log_of(slab, to)) &&
           allow(chunk_start(slab, (uint32_t)from), chunk_start(slab, (uint32_t)to));
}

/* More than is wanted, so that system calls are rare; not much more, since locked memory becomes resident. */
static uint64_t raised(uint64_t extent, uint64_t wanted)
{
    const uint64_t least = 8;
    uint64_t usable = usable_of(extent);
    uint64_t more = usable + (usable / 4 > least ? usable / 4 : least);

    if (more < wanted)
        more = wanted;
    return more < there_of(extent) ? more : there_of(extent);
}

static bool commit_to(struct slab *slab, uint64_t wanted)
{
    uint64_t extent = LOAD(slab->extent);
    uint64_t usable = usable_of(extent);
    uint64_t to;

    do {
        if (wanted > there_of(extent))
            return false;
        to = raised(extent, wanted);
    } while (
        !atomic_compare_exchange_weak(&slab->extent, &extent, extent_of(to, there_of(extent))));
    if (open_chunks(slab, usable, to)) {
        STORE(slab->opened, to);
        /* To a memory debugger these pages look addressable now. */
        zk_tell_close(chunk_start(slab, (uint32_t)usable), (size_t)(to - usable)
                                                               << zk_chunk_shift(slab));
        return true;
    }
    zk_slab_uncommit(slab);
    return false;
}

void zk_slab_uncommit(struct slab *slab)
{
    uint64_t opened = LOAD(slab->opened);
    uint64_t extent = LOAD(slab->extent);

    while (
        !atomic_compare_exchange_weak(&slab->extent, &extent, extent_of(opened, there_of(extent))))
        continue;
}

bool zk_slab_commit(struct slab *slab, const char *end)
{
    uint64_t wanted = (uint64_t)chunk_of(slab, end - 1) + 1;

    return wanted <= usable_of(LOAD(slab->extent)) || commit_to(slab, wanted);
}

size_t zk_slab_spare_bytes(struct slab *slab)
{
    uint64_t extent = LOAD(slab->extent);

    return (size_t)(there_of(extent) - usable_of(extent)) << zk_chunk_shift(slab);
}

/* Whole pages in [from, to). */
static void give_back(void *from, void *to)
{
    struct zk_pages pages = zk_os_whole_pages(from, to);

    zk_os_give_back(pages.start,
                    (size_t)(pages.end - pages.start)); /* nothing, if there are none */
}

/* Two threads may do this at once. */
static void lower(_Atomic size_t *bytes, size_t to)
{
    size_t now = atomic_load(bytes);

    while (to < now && !atomic_compare_exchange_weak(bytes, &now, to))
        continue;
}

void zk_slab_cut(struct slab *slab)
{
    size_t words = chunk_granules(slab) / 64;
    uint64_t extent = LOAD(slab->extent);
    uint64_t from;
    uint64_t to;

    do {
        from = usable_of(extent);
        to = there_of(extent);
        if (from == to)
            return;
    } while (!atomic_compare_exchange_weak(&slab->extent, &extent, extent_of(from, from)));
    /* First, since another mapping may get these addresses: from here on they are not ours. */
    lower(&slab->bytes, (size_t)from << zk_chunk_shift(slab));
    lower(&slab->marked_bytes, (size_t)from << zk_chunk_shift(slab));
    give_back(chunk_start(slab, (uint32_t)from), chunk_start(slab, (uint32_t)to));
    give_back(log_of(slab, from), log_of(slab, to));
    give_back(&slab->marks_elsewhere[from * words], &slab->marks_elsewhere[to * words]);
    give_back(&slab->marks[from * words], &slab->marks[to * words]);
}
