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

/* An entry for each granule of a chunk. */
static size_t log_bytes(size_t chunk_bytes)
{
    return chunk_bytes / ZK_GRANULE * sizeof(uint32_t);
}

static size_t table_bytes(size_t slab_bytes)
{
    size_t chunks = slab_bytes / zk_chunk_bytes() + 1;
    size_t page = zk_os_page_bytes();

    return (sizeof(struct slab) + chunks * sizeof(struct chunk) + page - 1) & ~(page - 1);
}

size_t zk_slab_books_bytes(size_t slab_bytes)
{
    return table_bytes(slab_bytes) + log_bytes(slab_bytes);
}

static char *slab_end(const struct slab *slab)
{
    return slab->base + slab->bytes;
}

static uint32_t chunk_of(const struct slab *slab, const char *p)
{
    return (uint32_t)((size_t)(p - slab->base) >> slab->chunk_shift);
}

static char *chunk_start(const struct slab *slab, uint32_t chunk)
{
    return slab->base + ((size_t)chunk << slab->chunk_shift);
}

static _Atomic uint32_t *log_of(const struct slab *slab, size_t chunk)
{
    return (_Atomic uint32_t *)(void *)(slab->logs + log_bytes(chunk << slab->chunk_shift));
}

/* Is the slab recycled by chunks: pinned? */
static bool counts_chunks(const struct slab *slab)
{
    return slab->counted_bytes == 0;
}

/* Blocks of a closed chunk that nobody has freed. Acquire: what a thread did with a block before it
 * freed it (and released the count) comes before what the block's bytes are used for next. */
static uint32_t live_blocks(const struct chunk *chunk)
{
    return LOAD(chunk->blocks) - LOAD(chunk->freed) - LOAD(chunk->freed_elsewhere);
}

static void link_chunk(struct slab *slab, uint32_t index)
{
    if (slab->last == ZK_NO_CHUNK)
        slab->first = index;
    else
        slab->chunks[slab->last].next = index;
    slab->chunks[index].next = slab->pin;
    slab->last = index;
    slab->listed++;
}

static void bump_from(struct slab *slab, uint32_t index, char *at, char *limit)
{
    slab->limit = limit;
    STORE(slab->current, index);
    STORE(slab->log, log_of(slab, index));
    STORE(slab->run_start, at);
    STORE(slab->bump, at);
}

/* Makes the chunk that contains `at`, in which nothing lives, the current one, bumping from there
 * to the end of the run. At the very end of the slab, there is none: nothing more fits. */
static void enter_chunk(struct slab *slab, char *at)
{
    uint32_t index = chunk_of(slab, at);
    struct chunk *chunk = &slab->chunks[index];
    char *end = chunk_start(slab, index + 1);

    if (at == slab_end(slab)) {
        bump_from(slab, index, at, at);
        return;
    }
    STORE(chunk->freed, 0);
    STORE(chunk->freed_elsewhere, 0);
    chunk->word = LOAD(slab->word);
    link_chunk(slab, index);
    bump_from(slab, index, at, end < slab->run_end ? end : slab->run_end);
}

/* Settles the books of the current chunk. Bumping goes on at tail. */
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

/* Where the free run behind a pinned chunk starts. The rest of the chunk itself is not used: its
 * log is taken. */
static char *run_behind(const struct slab *slab, uint32_t pin)
{
    char *tail = LOAD(slab->chunks[pin].tail);

    return chunk_of(slab, tail) == pin ? chunk_start(slab, pin + 1) : tail;
}

/* Where the free run before a pinned chunk, or before ZK_NO_CHUNK, ends. */
static char *run_before(const struct slab *slab, uint32_t pin)
{
    return pin == ZK_NO_CHUNK ? slab_end(slab) : chunk_start(slab, pin);
}

/* Goes past the next pinned chunk ahead. False when there is none. The run behind it may be empty.
 */
static bool pass_pin(struct slab *slab, char **run)
{
    if (slab->pin == ZK_NO_CHUNK)
        return false;
    *run = run_behind(slab, slab->pin);
    slab->last = slab->pin;
    slab->pin = slab->chunks[slab->pin].next;
    slab->run_end = run_before(slab, slab->pin);
    return true;
}

/* Enters the run at start, or the first one behind it that is not empty. The current chunk is
 * closed. */
static void enter_run(struct slab *slab, char *start)
{
    slab->run_end = run_before(slab, slab->pin);
    while (start >= slab->run_end)
        if (!pass_pin(slab, &start))
            break;
    enter_chunk(slab, start < slab_end(slab) ? start : slab_end(slab));
}

static bool fits(const char *start, const char *end, size_t size, size_t align)
{
    size_t padding = -(uintptr_t)start & (align - 1);

    return start < end && padding <= (size_t)(end - start) &&
           size <= (size_t)(end - start) - padding;
}

/* Goes on to the first run ahead in which the block fits. False when there is none. */
static bool find_run(struct slab *slab, size_t size, size_t align)
{
    uint32_t pin = slab->pin;

    if (size >= slab->too_large)
        return false;
    while (pin != ZK_NO_CHUNK &&
           !fits(run_behind(slab, pin), run_before(slab, slab->chunks[pin].next), size, align))
        pin = slab->chunks[pin].next;
    if (pin == ZK_NO_CHUNK) {
        if (align == ZK_GRANULE) /* what lies ahead only shrinks, until bumping starts over */
            slab->too_large = size;
        return false;
    }

    begin_move(slab);
    close_chunk(slab, LOAD(slab->bump));
    slab->last = pin;
    slab->pin = slab->chunks[pin].next;
    enter_run(slab, run_behind(slab, pin));
    end_move(slab);
    return true;
}

void zk_slab_init(struct slab *slab, char *base, size_t bytes, bool pinned)
{
    slab->base = base;
    slab->bytes = bytes;
    slab->counted_bytes = pinned ? 0 : bytes;
    slab->dirty = slab->furthest = base;
    slab->too_large = SIZE_MAX;
    slab->chunks = (struct chunk *)(slab + 1);
    slab->logs = (char *)slab + table_bytes(bytes);
    slab->chunk_shift = (unsigned)__builtin_ctzll(zk_chunk_bytes());
    slab->first = slab->last = slab->pin = ZK_NO_CHUNK;
    atomic_init(&slab->floor, ZK_FLOOR_CLOSED);
    enter_run(slab, base);
}

/* The chunks that a block reaches into are in use in this phase. */
static void mark_used(struct slab *slab, const char *start, const char *end)
{
    for (uint32_t index = chunk_of(slab, start) + 1; chunk_start(slab, index) < end; index++)
        slab->chunks[index].word = LOAD(slab->word);
}

/* Enters the block [start, end), which fits into the run, in the log of the chunk it starts in. */
static void take(struct slab *slab, char *start, char *end)
{
    _Atomic uint32_t *log;

    if (start >= slab->limit) {
        if (counts_chunks(slab)) /* the block before may grow into what lies between */
            mark_used(slab, LOAD(slab->bump), start);
        close_chunk(slab, start);
        enter_chunk(slab, start);
    }
    log = LOAD(slab->log);
    atomic_store_explicit(log, (uint32_t)(uintptr_t)start, memory_order_relaxed);
    STORE(slab->log, log + 1);
    if (end <= slab->limit) {
        STORE(slab->bump, end);
        return;
    }
    if (counts_chunks(slab))
        mark_used(slab, start, end);
    close_chunk(slab, end);
    enter_run(slab, end);
}

/* Bytes served, ever. Holder only: it sees its own stores. */
static uint64_t served_ever(const struct slab *slab)
{
    return LOAD(slab->closed_bytes) + (size_t)(LOAD(slab->bump) - LOAD(slab->run_start));
}

size_t zk_slab_phase_bytes(const struct slab *slab)
{
    char *bump = LOAD(slab->bump);
    size_t served = (size_t)(served_ever(slab) - slab->bytes_before);
    size_t reached = (size_t)((bump > slab->furthest ? bump : slab->furthest) - slab->base);

    return served < reached ? served : reached;
}

/* Closes the books on all that has been served so far. */
static void close_all(struct slab *slab)
{
    char *bump = LOAD(slab->bump);

    if (slab->dirty < bump)
        slab->dirty = bump;
    if (slab->furthest < bump)
        slab->furthest = bump;
    close_chunk(slab, bump);
}

/* The books at the end of a phase, before the next one. */
static void settle(struct slab *slab)
{
    slab->high_water = zk_slab_phase_bytes(slab);
    close_all(slab);
    slab->furthest = slab->base;
    slab->bytes_before = LOAD(slab->closed_bytes);
}

static void add(_Atomic uint64_t *count, uint64_t more)
{
    STORE(*count, LOAD(*count) + more);
}

/* What was pinned, and what has been served since, is reclaimed, less what is pinned now. A pinned
 * chunk counts as a whole, so that the difference can be negative: then nothing was. */
static void count_pinned(struct slab *slab, uint64_t chunks, uint64_t bytes)
{
    uint64_t before = LOAD(slab->pinned_bytes) + slab->high_water;

    add(&slab->reclaimed_bytes, before > bytes ? before - bytes : 0);
    STORE(slab->pinned_chunks, chunks);
    STORE(slab->pinned_bytes, bytes);
}

/* Blocks freed, ever. Acquire: see live_blocks. */
static uint64_t freed_blocks(const struct slab *slab)
{
    return LOAD(slab->freed) + LOAD(slab->freed_elsewhere);
}

/* Bumping starts over, between what is in the list. All books are closed. freed: how many blocks had been
 * freed before it was looked which; what is freed meanwhile is to be found the next time. */
static void start_over(struct slab *slab, uint64_t freed)
{
    slab->freed_before = freed;
    slab->refused = 0;
    slab->too_large = SIZE_MAX;
    slab->served_before = LOAD(slab->closed_bytes);
    slab->last = ZK_NO_CHUNK;
    slab->pin = slab->first;
    enter_run(slab, slab->base);
}

static void empty_list(struct slab *slab)
{
    slab->first = ZK_NO_CHUNK;
    slab->listed = 0;
}

static void forget_all(struct slab *slab, uint64_t freed)
{
    empty_list(slab);
    slab->growths = 0;
    add(&slab->rewinds, 1);
    count_pinned(slab, 0, 0);
    start_over(slab, freed);
}

void zk_slab_rewind(struct slab *slab, uint64_t word)
{
    begin_move(slab);
    settle(slab);
    STORE(slab->word, word);
    forget_all(slab, freed_blocks(slab));
    end_move(slab);
}

struct kept {
    uint64_t chunks;
    uint64_t bytes;
};

/* Unlinks the chunks in which nothing lives, and those entered in the phase `discarded` (0: none). */
static struct kept unlink_dead(struct slab *slab, uint64_t discarded)
{
    struct kept kept = {0};
    uint64_t lost = 0; /* blocks that were discarded */
    uint32_t *link = &slab->first;

    for (uint32_t index = slab->first; index != ZK_NO_CHUNK; index = slab->chunks[index].next) {
        struct chunk *chunk = &slab->chunks[index];
        uint32_t live = live_blocks(chunk);

        if (discarded != 0 && chunk->word == discarded) {
            lost += live;
        } else if (live > 0) {
            kept.chunks++;
            kept.bytes += (size_t)(run_behind(slab, index) - chunk_start(slab, index));
            *link = index;
            link = &chunk->next;
        }
    }
    *link = ZK_NO_CHUNK;
    slab->listed = kept.chunks;
    atomic_fetch_add(&slab->freed_elsewhere, lost);
    return kept;
}

static void walk(struct slab *slab)
{
    uint64_t word = LOAD(slab->word);
    struct kept kept = unlink_dead(slab, LOAD(slab->discarded) == word ? word : 0);

    slab->growths = kept.bytes > LOAD(slab->pinned_bytes) ? slab->growths + 1 : 0;
    add(&slab->walks, 1);
    count_pinned(slab, kept.chunks, kept.bytes);
}

/* Gives the chunks of a free run back to the system that no phase since `word` has used: what is
 * neither used nor pinned shall not hold memory for ever. */
static void give_back(struct slab *slab, const char *start, const char *end, uint64_t word)
{
    const char *dirty = slab->dirty;
    uint32_t from = chunk_of(slab, start + zk_chunk_bytes() - 1);
    uint32_t to = chunk_of(slab, end < dirty ? end : dirty); /* a part of a chunk waits */

    while (from < to) {
        uint32_t unused = from;

        while (unused < to && slab->chunks[unused].word != 0 && slab->chunks[unused].word < word)
            slab->chunks[unused++].word = 0;
        if (unused > from)
            zk_os_discard(chunk_start(slab, from), (size_t)(unused - from) << slab->chunk_shift);
        from = unused + 1;
    }
}

/* From time to time, when there is something that free runs lie between. */
static void give_back_unused(struct slab *slab, uint64_t word)
{
    const uint64_t phases = 16;
    const char *start = slab->base;

    if (LOAD(slab->walks) % phases != 0 || word < 2 * phases)
        return;
    for (uint32_t pin = slab->first;; pin = slab->chunks[pin].next) {
        const char *end = run_before(slab, pin);

        if (start < end)
            give_back(slab, start, end, word - 2 * phases); /* a phase's word is twice its number */
        if (pin == ZK_NO_CHUNK)
            return;
        start = run_behind(slab, pin);
    }
}

void zk_slab_reclaim(struct slab *slab, uint64_t word)
{
    uint64_t freed = freed_blocks(slab);

    begin_move(slab);
    settle(slab);
    if (LOAD(slab->closed_count) == freed) {
        STORE(slab->word, word);
        forget_all(slab, freed);
    } else {
        walk(slab);
        give_back_unused(slab, word);
        STORE(slab->word, word);
        start_over(slab, freed);
    }
    end_move(slab);
}

/* In the middle of a phase: what has died by now is used again, while it is still in the caches, and
 * a phase takes no more memory than it needs at a time. To look costs time for each chunk in the list:
 * it is done when enough has been served meanwhile, or refused, to make that little, and when there is
 * something to gain, which is not so where the block fits into the current chunk. */
static void reuse(struct slab *slab, size_t size, size_t align)
{
    const uint64_t bytes_for_chunk = 4096;
    uint64_t freed = freed_blocks(slab);
    uint64_t served;
    uint64_t count;

    if (freed == slab->freed_before)
        return;
    served = served_ever(slab);
    count =
        LOAD(slab->closed_count) + (uint64_t)(LOAD(slab->log) - log_of(slab, LOAD(slab->current)));
    if (count != freed) {
        if (served + slab->refused + size < slab->served_before + slab->listed * bytes_for_chunk)
            return;
        if (fits(LOAD(slab->bump), slab->limit, size, align))
            return;
    }
    begin_move(slab);
    close_all(slab);
    if (count == freed)
        empty_list(slab);
    else
        unlink_dead(slab, 0);
    add(&slab->reuses, 1);
    start_over(slab, freed);
    end_move(slab);
}

/* What lies before a block that is bumped with its neighbours. A prover walks through many columns of the
 * same size at a time; if each were a power of two behind the last, the lines in use would all want the
 * same set of the first-level cache, and drive each other out. */
static size_t stagger(const struct slab *slab, size_t size)
{
    const size_t line = 64;

    return counts_chunks(slab) && size > zk_chunk_bytes() / 4 && size < ZK_PAGE_ALIGNED_FROM ? line
                                                                                             : 0;
}

void *zk_slab_carve(struct slab *slab, size_t size, size_t align)
{
    /* Pinned, a large block has the chunk that it starts in to itself: else a small neighbour that
     * lives would keep all of it. */
    size_t large = counts_chunks(slab) ? zk_chunk_bytes() : zk_os_page_bytes();
    size_t before = 0;
    char *start;

    if (align <= ZK_GRANULE) {
        align = ZK_GRANULE;
        before = stagger(slab, size);
    }
    if (size >= ZK_PAGE_ALIGNED_FROM && align < large)
        align = large;
    if (size == 0)
        size = 1;
    if (counts_chunks(slab))
        reuse(slab, before + size, align);
    if (!fits(LOAD(slab->bump), slab->run_end, before + size, align) &&
        !find_run(slab, before + size, align)) {
        slab->refused += size;
        return NULL;
    }
    start = LOAD(slab->bump);
    start += (-(uintptr_t)start & (align - 1)) + before;

    begin_move(slab);
    take(slab, start, start + ((size + ZK_GRANULE - 1) & ~(size_t)(ZK_GRANULE - 1)));
    end_move(slab);
    return start;
}

void zk_slab_tighten(struct slab *slab, size_t bytes)
{
    char *bump = LOAD(slab->bump);

    /* A limit between two granules would be bumped over. */
    bytes &= ~(size_t)(ZK_GRANULE - 1);
    if (bytes < (size_t)(slab->limit - bump))
        slab->limit = bump + bytes;
}

void zk_slab_loosen(struct slab *slab)
{
    char *end = chunk_start(slab, (uint32_t)LOAD(slab->current) + 1);

    slab->limit = end < slab->run_end ? end : slab->run_end;
}

void zk_slab_discard(struct slab *slab, uint64_t word)
{
    if (LOAD(slab->word) == word)
        STORE(slab->discarded, word);
}

bool zk_slab_adopt(struct slab *slab)
{
    _Atomic uint32_t *log = LOAD(slab->log);

    if (LOAD(slab->moves) % 2 != 0) {
        end_move(slab); /* for readers */
        return false;
    }
    /* The entry is made, and bump not yet set: the next block would be entered twice, and a chunk
     * full of the smallest blocks would spill into the log of the next. */
    if (log > log_of(slab, LOAD(slab->current)) &&
        atomic_load_explicit(log - 1, memory_order_relaxed) ==
            (uint32_t)(uintptr_t)LOAD(slab->bump))
        STORE(slab->log, log - 1);
    return true;
}

void zk_slab_each_run(struct slab *slab, void (*visit)(void *arg, char *start, size_t bytes),
                      void *arg)
{
    char *start = LOAD(slab->bump);
    char *end = slab->run_end;
    uint32_t pin = slab->pin;

    for (;;) {
        if (start < end)
            visit(arg, start, (size_t)(end - start));
        if (pin == ZK_NO_CHUNK)
            return;
        start = run_behind(slab, pin);
        pin = slab->chunks[pin].next;
        end = run_before(slab, pin);
    }
}

void zk_slab_free_elsewhere(struct slab *slab, const void *p, bool pinned)
{
    /* Release, both: pair with the acquire in live_blocks and zk_slab_reclaim. The chunk first:
     * once the slab's count says that nothing lives, no count of a chunk is still to come. */
    if (pinned)
        atomic_fetch_add_explicit(&slab->chunks[chunk_of(slab, p)].freed_elsewhere, 1,
                                  memory_order_release);
    atomic_fetch_add_explicit(&slab->freed_elsewhere, 1, memory_order_release);
}

/* Where the block that contains p ends, given the blocks entered in log[first .. count) of p's
 * chunk, the last of which ends at tail. The log may be one of a past phase, and p no block of it.
 */
static const char *block_end(const _Atomic uint32_t *log, size_t first, size_t count,
                             const char *tail, const char *start, const char *p)
{
    /* 32 bits tell the addresses inside a chunk apart, whatever they wrap around. */
    uint32_t origin = (uint32_t)(uintptr_t)start;
    uint32_t wanted = (uint32_t)(p - start);
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
    return start + (atomic_load_explicit(&log[low], memory_order_relaxed) - origin);
}

static size_t read_block_bytes(struct slab *slab, const char *p)
{
    const char *bump = LOAD(slab->bump); /* before the log pointer: see the top of this file */
    const _Atomic uint32_t *log_end = LOAD(slab->log);
    size_t current = LOAD(slab->current);
    uint32_t index = chunk_of(slab, p);
    struct chunk *chunk = &slab->chunks[index];
    const _Atomic uint32_t *log = log_of(slab, index);
    const char *start = chunk_start(slab, index);
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
    end = block_end(log, first, count, end, start, p);
    if (end > slab_end(slab))
        end = slab_end(slab);
    return end > p ? (size_t)(end - p) : 0;
}

size_t zk_slab_block_bytes(struct slab *slab, const void *p)
{
    for (;;) {
        unsigned before = LOAD(slab->moves);
        size_t bytes;

        if (before % 2 != 0)
            continue; /* the holder is inside zk_slab_carve or recycles: some dozens of instructions, or
                         as many for each chunk in its list */
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
        totals.freed = freed_blocks(slab);
        if (LOAD(slab->moves) == before)
            return totals;
    }
}
