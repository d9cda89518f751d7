/*
 * books.c - reads a slab's books from any thread, at any moment, without waiting: the holder may be in the
 * middle of a change, and may never run again.
 *
 * The block in question is live, so only one thing can change about the chunk that it starts in: an open
 * chunk may be closed. While the chunk is open, its blocks are the entries up to the log pointer, and the
 * last one ends at bump. Once it is closed, `blocks` and `tail` give both, and no longer change. The holder
 * stores these two, then clears `open`, and only then moves the log pointer and bump elsewhere. So a reader
 * that finds the chunk open, reads bump and the log pointer, and finds it still open has a consistent pair;
 * if it is open no longer, `blocks` and `tail` are valid. There is no need to loop.
 */
#include "slab_books.h"

/* The blocks of a chunk: entries of its log, the last of which ends at tail. */
struct books {
    const _Atomic uint32_t *log;
    const char *start; /* of the chunk */
    size_t first;
    size_t count;
    const char *tail;
};

static struct books closed_books(const struct slab *slab, uint32_t index)
{
    const struct chunk *chunk = &slab->chunks[index];

    return (struct books){.log = log_of(slab, index),
                          .start = chunk_start(slab, index),
                          .count = LOAD(chunk->blocks),
                          .tail = LOAD(chunk->tail)};
}

/* The books of p's chunk. For a block that is not live they may be out of date. */
static struct books books_of(const struct slab *slab, const char *p)
{
    uint32_t index = chunk_of(slab, p);
    struct books books = closed_books(slab, index);
    const char *bump;
    size_t entered;

    if (LOAD(slab->chunks[index].open) == 0)
        return closed_books(slab, index);
    bump = LOAD(slab->bump); /* before the log pointer: see slab_books.h */
    entered = (size_t)(LOAD(slab->log) - books.log);
    if (LOAD(slab->chunks[index].open) == 0)
        return closed_books(slab, index);
    if (p < bump) {
        books.count = entered;
        books.tail = bump;
    } else {
        /* Ahead of bump: the entries left in the log by the last phase that came this far. */
        books.first = entered;
    }
    return books;
}

/* Index of the first entry above p; count if there is none. The log may be that of a past phase, and p not a
 * block in it. */
static size_t entry_above(const struct slab *slab, struct books *books, const char *p)
{
    /* The low 32 bits distinguish the addresses in a chunk, even where they wrap around. */
    uint32_t origin = (uint32_t)(uintptr_t)books->start;
    uint32_t wanted = (uint32_t)(p - books->start);
    size_t low = books->first;
    size_t high;

    if (books->count > chunk_granules(slab))
        books->count = 0;
    high = books->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t entry = atomic_load_explicit(&books->log[middle], memory_order_relaxed);

        if (entry - origin <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const char *entry_at(const struct books *books, size_t at)
{
    uint32_t origin = (uint32_t)(uintptr_t)books->start;

    return books->start + (atomic_load_explicit(&books->log[at], memory_order_relaxed) - origin);
}

size_t zk_slab_block_bytes(struct slab *slab, const void *p)
{
    struct books books = books_of(slab, p);
    size_t above = entry_above(slab, &books, p);
    const char *end = above < books.count ? entry_at(&books, above) : books.tail;

    if (end > slab_end(slab))
        end = slab_end(slab);
    return end > (const char *)p ? (size_t)(end - (const char *)p) : 0;
}

const char *zk_slab_block_start(struct slab *slab, const void *p)
{
    struct books books = books_of(slab, p);
    size_t above = entry_above(slab, &books, p);

    return above > books.first && above <= books.count ? entry_at(&books, above - 1) : books.start;
}

/* Consistent if `moves` is the same before and after. */
static struct slab_totals read_totals(struct slab *slab, unsigned moves)
{
    struct slab_totals totals = {.freed = freed_blocks(slab)};
    const char *bump = LOAD(slab->bump);

    if (moves % 2 != 0) {
        totals.count = LOAD(slab->still_count);
        totals.bytes = LOAD(slab->still_bytes);
    } else {
        totals.count = served_blocks(slab);
        totals.bytes = LOAD(slab->closed_bytes) + (uint64_t)(bump - LOAD(slab->run_start));
    }
    return totals;
}

struct slab_totals zk_slab_totals(struct slab *slab)
{
    const unsigned tries = 1000; /* if the holder keeps changing chunks, nearly right will do */
    struct slab_totals totals;
    unsigned before;

    for (unsigned i = 0; i < tries; i++) {
        before = LOAD(slab->moves);
        totals = read_totals(slab, before);
        if (LOAD(slab->moves) == before)
            break;
    }
    return totals;
}
