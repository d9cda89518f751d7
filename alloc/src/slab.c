/*
 * slab.c - bumping across chunks, and reading the books.
 *
 * Orders. The holder publishes in the order log entry, log pointer, bump (here and on the fast path
 * in malloc.c), each store releasing what came before; a reader acquires bump first and the log
 * pointer second. So a reader never misses the entry that ends the block it asks about: if the
 * block seems to be the last one, then bump was read before any later block was entered, and bump
 * is its end. While several of these change together, `moves` is odd. Data are stored with release
 * and loaded with acquire, so that a reader that has seen new data also sees moves differ: a
 * sequence lock without fences.
 */
#include "slab.h"
#include "os.h"
#include "zkalloc.h"

struct slab zk_no_slab = {.floor = ZK_FLOOR_CLOSED};

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_acquire)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_release)

size_t zk_chunk_bytes(void)
{
    size_t bytes = 64 * zk_os_page_bytes();

    /* So small that the fast path, which stays inside a chunk, never serves an unaligned large
     * block. */
    return bytes < ZK_PAGE_ALIGNED_FROM ? bytes : ZK_PAGE_ALIGNED_FROM;
}

static size_t log_bytes(void)
{
    return zk_chunk_bytes() / ZK_GRANULE * sizeof(uint32_t);
}

static size_t table_bytes(size_t slab_bytes)
{
    size_t chunks = slab_bytes / zk_chunk_bytes() + 1;
    size_t page = zk_os_page_bytes();

    return (sizeof(struct slab) + chunks * sizeof(struct chunk) + page - 1) & ~(page - 1);
}

size_t zk_slab_books_bytes(size_t slab_bytes)
{
    return table_bytes(slab_bytes) + slab_bytes / zk_chunk_bytes() * log_bytes();
}

static size_t chunk_of(const struct slab *slab, const char *p)
{
    return (size_t)(p - slab->base) / zk_chunk_bytes();
}

static _Atomic uint32_t *log_of(const struct slab *slab, size_t chunk)
{
    return (_Atomic uint32_t *)(void *)(slab->logs + chunk * log_bytes());
}

/* Makes the chunk that contains `at` the current one, bumping from there. */
static void enter_chunk(struct slab *slab, char *at)
{
    size_t chunk = chunk_of(slab, at);
    char *end = slab->base + (chunk + 1) * zk_chunk_bytes();

    if (end > slab->base + slab->bytes)
        end = slab->base + slab->bytes;
    slab->limit = end;
    STORE(slab->current, chunk);
    STORE(slab->log, log_of(slab, chunk));
    STORE(slab->run_start, at);
    STORE(slab->bump, at);
}

/* Settles the books of the current chunk. Bumping goes on at tail. */
/* NOLINTNEXTLINE(readability-non-const-parameter): tail is stored */
static void close_chunk(struct slab *slab, char *tail)
{
    size_t current = LOAD(slab->current);
    struct chunk *chunk = &slab->chunks[current];
    uint32_t blocks = (uint32_t)(LOAD(slab->log) - log_of(slab, current));

    STORE(chunk->blocks, blocks);
    STORE(chunk->tail, tail);
    STORE(slab->closed_count, LOAD(slab->closed_count) + blocks);
    STORE(slab->closed_bytes, LOAD(slab->closed_bytes) + (size_t)(tail - LOAD(slab->run_start)));
}

static void begin_move(struct slab *slab)
{
    STORE(slab->moves, LOAD(slab->moves) + 1);
}

static void end_move(struct slab *slab)
{
    STORE(slab->moves, LOAD(slab->moves) + 1);
}

void zk_slab_init(struct slab *slab, char *base, size_t bytes)
{
    slab->base = base;
    slab->bytes = bytes;
    slab->dirty = base;
    slab->chunks = (struct chunk *)(slab + 1);
    slab->logs = (char *)slab + table_bytes(bytes);
    atomic_init(&slab->floor, ZK_FLOOR_CLOSED);
    enter_chunk(slab, base);
}

void *zk_slab_carve(struct slab *slab, size_t size, size_t align)
{
    char *bump = LOAD(slab->bump);
    char *end = slab->base + slab->bytes;
    size_t page = zk_os_page_bytes();
    size_t padding;
    char *start;
    _Atomic uint32_t *log;

    if (align < ZK_GRANULE)
        align = ZK_GRANULE;
    if (size >= ZK_PAGE_ALIGNED_FROM && align < page)
        align = page;
    if (size == 0)
        size = 1;
    padding = -(uintptr_t)bump & (align - 1);
    if (padding > (size_t)(end - bump) || size > (size_t)(end - bump) - padding)
        return NULL;
    start = bump + padding;
    end =
        start + ((size + ZK_GRANULE - 1) & ~(size_t)(ZK_GRANULE - 1)); /* fits: all are multiples */

    begin_move(slab);
    if (start >= slab->limit) {
        close_chunk(slab, start);
        enter_chunk(slab, start);
    }
    log = LOAD(slab->log);
    atomic_store_explicit(log, (uint32_t)(uintptr_t)start, memory_order_relaxed);
    STORE(slab->log, log + 1);
    if (end > slab->limit) {
        close_chunk(slab, end);
        enter_chunk(slab, end);
    } else {
        STORE(slab->bump, end);
    }
    end_move(slab);
    return start;
}

void zk_slab_rewind(struct slab *slab)
{
    char *bump = LOAD(slab->bump);

    slab->high_water = (size_t)(bump - slab->base);
    if (slab->dirty < bump)
        slab->dirty = bump;
    begin_move(slab);
    close_chunk(slab, bump);
    enter_chunk(slab, slab->base);
    end_move(slab);
}

/* Where the block that contains p ends, given the blocks entered in log[first .. count) of p's
 * chunk, the last of which ends at tail. The log may be one of a past phase, and p no block of it.
 */
static const char *block_end(const _Atomic uint32_t *log, size_t first, size_t count,
                             const char *tail, const char *chunk_start, const char *p)
{
    /* 32 bits tell the addresses inside a chunk apart, whatever they wrap around. */
    uint32_t origin = (uint32_t)(uintptr_t)chunk_start;
    uint32_t wanted = (uint32_t)(p - chunk_start);
    size_t low = first;
    size_t high = count;

    while (low < high) { /* the first entry above p */
        size_t middle = low + (high - low) / 2;
        uint32_t entry = atomic_load_explicit(&log[middle], memory_order_relaxed);

        if (entry - origin <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (low >= count)
        return tail;
    return chunk_start + (atomic_load_explicit(&log[low], memory_order_relaxed) - origin);
}

static size_t read_block_bytes(struct slab *slab, const char *p)
{
    const char *bump = LOAD(slab->bump); /* before the log pointer: see the top of this file */
    const _Atomic uint32_t *log_end = LOAD(slab->log);
    size_t current = LOAD(slab->current);
    size_t index = chunk_of(slab, p);
    struct chunk *chunk = &slab->chunks[index];
    const _Atomic uint32_t *log = log_of(slab, index);
    const char *chunk_start = slab->base + index * zk_chunk_bytes();
    size_t first = 0;
    size_t count = LOAD(chunk->blocks);
    const char *end = LOAD(chunk->tail);

    if (index == current && p < bump) {
        count = (size_t)(log_end - log);
        end = bump;
    } else if (index == current) {
        /* Ahead of bump: what the log still holds of the last phase that came this far. */
        first = (size_t)(log_end - log);
    }
    end = block_end(log, first, count, end, chunk_start, p);
    if (end > slab->base + slab->bytes)
        end = slab->base + slab->bytes;
    return end > p ? (size_t)(end - p) : 0;
}

size_t zk_slab_block_bytes(struct slab *slab, const void *p)
{
    for (;;) {
        unsigned before = LOAD(slab->moves);
        size_t bytes;

        if (before % 2 != 0)
            continue; /* the holder is inside zk_slab_carve or zk_slab_rewind: some dozens of
                         instructions */
        bytes = read_block_bytes(slab, p);
        if (LOAD(slab->moves) == before)
            return bytes;
    }
}

struct slab_totals zk_slab_totals(struct slab *slab)
{
    for (;;) {
        unsigned before = LOAD(slab->moves);
        struct slab_totals totals;
        char *bump = LOAD(slab->bump);

        if (before % 2 != 0)
            continue;
        totals.count = LOAD(slab->closed_count) +
                       (uint64_t)(LOAD(slab->log) - log_of(slab, LOAD(slab->current)));
        totals.bytes = LOAD(slab->closed_bytes) + (uint64_t)(bump - LOAD(slab->run_start));
        totals.freed = LOAD(slab->freed);
        if (LOAD(slab->moves) == before)
            return totals;
    }
}
