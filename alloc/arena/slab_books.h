/*
 * slab_books.h - shared by the files that work on a slab's books: where things are, and how they are read and
 * written.
 *
 * Memory order. The holder publishes in the order log entry, log pointer, bump (here and on the fast path in
 * malloc.c), each store releasing what came before; a reader acquires bump first and the log pointer second.
 * So a reader never misses the entry that ends the block it asks about: if the block seems to be the last one,
 * then bump was read before any later block was entered, and bump is its end. The fields of the books are
 * stored with release and loaded with acquire throughout.
 */
#ifndef ZK_SLAB_BOOKS_H
#define ZK_SLAB_BOOKS_H

#include "slab.h"

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_acquire)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_release)

static inline char *slab_end(const struct slab *slab)
{
    return slab->base + LOAD(slab->bytes);
}

static inline uint32_t chunk_of(const struct slab *slab, const char *p)
{
    return (uint32_t)((size_t)(p - slab->base) >> zk_chunk_shift(slab));
}

static inline char *chunk_start(const struct slab *slab, uint32_t chunk)
{
    return slab->base + ((size_t)chunk << zk_chunk_shift(slab));
}

static inline size_t bytes_of_chunk(const struct slab *slab)
{
    return (size_t)1 << zk_chunk_shift(slab);
}

/* Entries of a chunk's log: one for each granule. */
static inline size_t chunk_granules(const struct slab *slab)
{
    return (size_t)1 << (zk_chunk_shift(slab) - ZK_GRANULE_SHIFT);
}

static inline _Atomic uint32_t *log_of(const struct slab *slab, size_t chunk)
{
    return (_Atomic uint32_t *)(void *)slab->logs + chunk * chunk_granules(slab);
}

/* The number of the word in which the mark of a free of p is: a bit for each granule. */
static inline size_t mark_word(const struct slab *slab, const char *p)
{
    return (size_t)(p - slab->base) >> (ZK_GRANULE_SHIFT + 6);
}

/* Block number i of a chunk. Relaxed: the holder sees its own stores, and any other thread must have acquired the log
 * pointer, or the closing of the chunk, after the entry was written. */
static inline char *entry_of(const struct slab *slab, uint32_t index, uint32_t i)
{
    char *start = chunk_start(slab, index);
    uint32_t low = atomic_load_explicit(&log_of(slab, index)[i], memory_order_relaxed);

    return start + (low - (uint32_t)(uintptr_t)start);
}

/* Blocks of a closed chunk that nobody has freed. Acquire: whatever a thread did with a block
 * before it freed it (and released the count) comes before the next use of the block's bytes. */
static inline uint32_t live_blocks(const struct chunk *chunk)
{
    return LOAD(chunk->blocks) - LOAD(chunk->freed) - LOAD(chunk->freed_elsewhere);
}

/* Blocks freed, ever. Acquire: see live_blocks. */
static inline uint64_t freed_blocks(const struct slab *slab)
{
    return LOAD(slab->freed) + LOAD(slab->freed_elsewhere);
}

/* Blocks and bytes served, ever. Holder only: it sees its own stores. */
static inline uint64_t served_blocks(const struct slab *slab)
{
    return LOAD(slab->closed_count) +
           (uint64_t)(LOAD(slab->log) - log_of(slab, LOAD(slab->current)));
}

static inline uint64_t served_bytes(const struct slab *slab)
{
    return LOAD(slab->closed_bytes) + (uint64_t)(LOAD(slab->bump) - LOAD(slab->run_start));
}

/* Where the free run after a pinned chunk starts. The rest of the chunk itself is not used, since
 * its log is taken. */
static inline char *run_behind(const struct slab *slab, uint32_t pin)
{
    char *tail = LOAD(slab->chunks[pin].tail);

    return chunk_of(slab, tail) == pin ? chunk_start(slab, pin + 1) : tail;
}

/* Where the free run before a pinned chunk, or before ZK_NO_CHUNK, ends. */
static inline char *run_before(const struct slab *slab, uint32_t pin)
{
    return pin == ZK_NO_CHUNK ? slab_end(slab) : chunk_start(slab, pin);
}

enum { ZK_LINE = 64 }; /* bytes of a cache line */

/* Bytes to leave free before a block of size bytes. A prover walks through many columns of the same size at once. If
 * each started a power of two after the last, the cache lines in use would all fall in the same set of the first-level
 * cache, and evict each other. */
static inline size_t stagger(const struct slab *slab, size_t size)
{
    return size > bytes_of_chunk(slab) / 4 && size < ZK_LARGE_FROM && slab->pinned ? ZK_LINE : 0;
}

static inline bool fits(const char *start, const char *end, size_t size, size_t align)
{
    size_t padding = -(uintptr_t)start & (align - 1);

    return start < end && padding <= (size_t)(end - start) &&
           size <= (size_t)(end - start) - padding;
}

/* Between these two, several fields change that belong together, and `moves` is odd. */
static inline void begin_move(struct slab *slab)
{
    STORE(slab->still_count, served_blocks(slab));
    STORE(slab->still_bytes, served_bytes(slab));
    STORE(slab->moves, LOAD(slab->moves) + 1);
}

static inline void end_move(struct slab *slab)
{
    STORE(slab->moves, LOAD(slab->moves) + 1);
}

/* slab.c: moving the bump pointer, for reclaim.c */

/* Settles the books of the current chunk. Bumping will continue at tail. */
void zk_slab_close_chunk(struct slab *slab, char *tail);

/* Enters the run at start, or the first one after it that is not empty. The current chunk must be
 * closed. Returns the chunk of the list that the run is behind, or ZK_NO_CHUNK. */
uint32_t zk_slab_enter_run(struct slab *slab, char *start);

/* Remembers no large block any more: their chunks may have left the list. */
void zk_slab_forget_large(struct slab *slab);

#endif
