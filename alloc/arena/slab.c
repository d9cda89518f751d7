/*
 * slab.c - which thread holds a slab, and bumping across chunks.
 */
#include "config.h"
#include "epoch.h"
#include "os.h"
#include "slab_books.h"
#include "wipe.h"

struct slab zk_no_slab = {.floor = ZK_FLOOR_CLOSED};

/* ---- Layout: the slab, its chunks, two marks and a log entry for each granule ---- */

size_t zk_chunk_bytes(void)
{
/* Consistent with zk_chunk_shift, whatever page size the kernel reports. */
#if defined __x86_64__
    return (size_t)1 << zk_chunk_shift(&zk_no_slab);
#else
    size_t bytes = 64 * zk_os_page_bytes();

    /* At most this large: the fast path stays inside a chunk, so it never serves a large block,
     * which would need aligning. */
    return bytes < ZK_LARGE_FROM ? bytes : ZK_LARGE_FROM;
#endif
}

static size_t in_pages(size_t bytes)
{
    size_t page = zk_os_page_bytes();

    return (bytes + page - 1) & ~(page - 1);
}

static size_t table_bytes(size_t slab_bytes)
{
    size_t chunks = slab_bytes / zk_chunk_bytes() + 1;

    return in_pages(sizeof(struct slab) + chunks * sizeof(struct chunk));
}

static size_t marks_bytes(size_t slab_bytes)
{
    return in_pages(slab_bytes / ZK_GRANULE / 8);
}

static size_t log_bytes(size_t slab_bytes)
{
    return slab_bytes / ZK_GRANULE * sizeof(uint32_t);
}

size_t zk_slab_books_bytes(size_t slab_bytes)
{
    return table_bytes(slab_bytes) + 2 * marks_bytes(slab_bytes) + log_bytes(slab_bytes);
}

void zk_slab_forget_large(struct slab *slab)
{
    for (unsigned i = 0; i < ZK_LARGE_KNOWN; i++)
        slab->large[i] = ZK_NO_CHUNK;
}

bool zk_slab_init(struct slab *slab, char *base, size_t bytes, bool pinned)
{
    char *books = (char *)slab;
    uint64_t chunks = bytes / zk_chunk_bytes();

    if (!zk_os_allow(slab, in_pages(sizeof(struct slab) + sizeof(struct chunk))))
        return false;
    slab->base = base;
    slab->pinned = pinned;
    slab->marked_bytes = pinned ? bytes : 0;
    slab->bytes = bytes;
    slab->doubt = zk_settings.misuse == ZK_MISUSE_ABORT ? 0 : UINT64_MAX / 2;
    slab->dirty = slab->soiled = slab->furthest = base;
    slab->too_large = SIZE_MAX;
    slab->patience = 1;
    slab->chunks = (struct chunk *)(slab + 1);
    slab->marks = (_Atomic uint64_t *)(void *)(books + table_bytes(bytes));
    slab->marks_elsewhere =
        (_Atomic uint64_t *)(void *)(books + table_bytes(bytes) + marks_bytes(bytes));
    slab->logs = books + table_bytes(bytes) + 2 * marks_bytes(bytes);
    slab->extent = chunks;
    slab->chunk_shift = (unsigned)__builtin_ctzll(zk_chunk_bytes());
    slab->first = slab->last = slab->pin = slab->skip = ZK_NO_CHUNK;
    zk_slab_forget_large(slab);
    atomic_init(&slab->floor, ZK_FLOOR_CLOSED);
    zk_slab_enter_run(slab, base);
    return true;
}

/* ---- The holder ---- */

bool zk_slab_claim(struct slab *slab)
{
    uint32_t unheld = 0;

    /* Acquire: pairs with the release by which the last holder gave it back, or by which, in the child of a
     * fork, it was taken from a holder that does not exist there. A retired slab is never given back, so it
     * cannot be claimed. */
    return atomic_load_explicit(&slab->held, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(&slab->held, &unheld, zk_epoch(),
                                                   memory_order_acquire, memory_order_relaxed);
}

void zk_slab_give_back(struct slab *slab)
{
    STORE(slab->held, 0);
}

bool zk_slab_is_held(struct slab *slab)
{
    return LOAD(slab->held) != 0 && !atomic_load(&slab->retired);
}

/* Removes the log entry of a block that bump was not advanced past any more. Otherwise the next block would
 * be entered twice, and a chunk full of the smallest blocks would overflow its log. */
static void undo_block(struct slab *slab)
{
    _Atomic uint32_t *log = LOAD(slab->log);

    if (log > log_of(slab, LOAD(slab->current)) &&
        atomic_load_explicit(log - 1, memory_order_relaxed) ==
            (uint32_t)(uintptr_t)LOAD(slab->bump))
        STORE(slab->log, log - 1);
}

void zk_slab_abandon(struct slab *slab)
{
    if (LOAD(slab->moves) % 2 != 0) {
        /* It stays held for ever, by nobody; its blocks stay valid. Set before busy is cleared, since a wiper
         * checks `retired` once the slab is idle. */
        atomic_store(&slab->retired, true);
        atomic_store(&slab->busy, 0);
        return;
    }
    undo_block(slab);
    zk_slab_uncommit(slab);
    atomic_store(&slab->busy, 0);
    STORE(slab->held, 0);
}

void zk_slab_inherit(struct slab *slab, const struct slab *own)
{
    uint32_t held = LOAD(slab->held);

    if (held == 0 || held == zk_epoch() || atomic_load(&slab->retired))
        return;
    if (slab == own)
        STORE(slab->held, zk_epoch());
    else
        zk_slab_abandon(slab);
}

/* ---- Chunks and runs ---- */

static void link_chunk(struct slab *slab, uint32_t index)
{
    STORE(slab->chunks[index].next, slab->pin);
    if (slab->last == ZK_NO_CHUNK)
        STORE(slab->first, index);
    else
        STORE(slab->chunks[slab->last].next, index);
    slab->last = index;
    slab->listed++;
}

/* [start, end) is about to be handed out. If wiping is on, makes sure that it holds no old data. */
static inline void make_clean(const struct slab *slab, char *start, char *end)
{
    if (__builtin_expect(slab->wipes, 0))
        zk_wipe_used(slab, start, end);
}

static void bump_from(struct slab *slab, uint32_t index, char *at, char *limit)
{
    make_clean(slab, at, limit);
    slab->limit = limit;
    STORE(slab->current, index);
    STORE(slab->log, log_of(slab, index));
    STORE(slab->run_start, at);
    STORE(slab->bump, at);
}

static bool is_committed(const struct slab *slab, uint32_t index)
{
    return index < LOAD(slab->extent) >> 32;
}

/* A fast zk_slab_renew for a common case: the chunk, which starts at `start`, held one block, which the holder has freed.
 * False if that is not so; then nothing has changed. */
static inline bool renew_one(struct slab *slab, struct chunk *chunk, uint32_t index,
                             const char *start)
{
    uint32_t entry;
    size_t offset;

    if (LOAD(chunk->blocks) != 1 || LOAD(chunk->freed) != 1 || LOAD(chunk->freed_elsewhere) != 0)
        return false;
    /* Relaxed, both: only the holder writes them. */
    entry = atomic_load_explicit(log_of(slab, index), memory_order_relaxed);
    if (LOAD(chunk->freed_sum) != entry)
        return false; /* with no free elsewhere, the sum says the same as the mark */
    offset = index * bytes_of_chunk(slab) + (uint32_t)(entry - (uint32_t)(uintptr_t)start);
    atomic_store_explicit(&slab->marks[offset >> (ZK_GRANULE_SHIFT + 6)], 0, memory_order_relaxed);
    STORE(chunk->freed, 0); /* `blocks` is not read before the chunk is closed again */
    STORE(chunk->freed_sum, 0);
    return true;
}

/* Bumping continues at `at`, in a chunk that has been renewed, up to the end of the chunk or run. If the chunk
 * is not committed yet, only up to `at`, so that the fast path does not serve from it. */
static inline void enter_renewed(struct slab *slab, struct chunk *chunk, uint32_t index,
                                 char *start, char *at)
{
    char *end = is_committed(slab, index) ? start + bytes_of_chunk(slab) : at;

    if (index >= slab->spanned_first && index < slab->spanned_behind)
        slab->spanned_behind = index; /* blocks come to be in it */
    chunk->weighed_blocks = 0;
    chunk->wiped = 0;
    STORE(chunk->open, 1); /* before bump: see books.c */
    STORE(chunk->word, LOAD(slab->word));
    link_chunk(slab, index);
    bump_from(slab, index, at, end < slab->run_end ? end : slab->run_end);
}

/* Of a chunk in which nothing lives, or should. */
static void renew(struct slab *slab, uint32_t index)
{
    if (!zk_slab_renew(slab, index)) /* something was freed that is not a block */
        zk_slab_forget_frees(slab, index);
}

static __attribute__((noinline)) void renew_and_enter(struct slab *slab, struct chunk *chunk,
                                                      uint32_t index, char *start, char *at)
{
    renew(slab, index);
    enter_renewed(slab, chunk, index, start, at);
}

/* Makes the chunk that contains `at`, in which nothing lives, the current one. At the very end of the slab
 * there is no such chunk, and nothing more fits. */
static void enter_chunk(struct slab *slab, char *at)
{
    uint32_t index = chunk_of(slab, at);
    struct chunk *chunk = &slab->chunks[index];
    char *start = chunk_start(slab, index);

    if (__builtin_expect(at == slab_end(slab), 0)) {
        bump_from(slab, index, at, at);
    } else if (__builtin_expect(slab->pinned, 1)) {
        if (renew_one(slab, chunk, index, start))
            enter_renewed(slab, chunk, index, start, at);
        else
            renew_and_enter(slab, chunk, index, start, at);
    } else {
        enter_renewed(slab, chunk, index, start, at);
    }
}

void zk_slab_close_chunk(struct slab *slab, char *tail)
{
    struct chunk *chunk = &slab->chunks[LOAD(slab->current)];
    uint32_t blocks = (uint32_t)(LOAD(slab->log) - log_of(slab, LOAD(slab->current)));

    STORE(chunk->blocks, blocks);
    STORE(chunk->tail, tail);
    STORE(chunk->open, 0); /* after those two, and before bump leaves the chunk: see books.c */
    STORE(slab->closed_count, LOAD(slab->closed_count) + blocks);
    STORE(slab->closed_bytes, LOAD(slab->closed_bytes) + (size_t)(tail - LOAD(slab->run_start)));
}

/* Goes past the next pinned chunk ahead. False when there is none. The run after it may be empty.
 */
static bool pass_pin(struct slab *slab, char **run)
{
    if (slab->pin == ZK_NO_CHUNK)
        return false;
    *run = run_behind(slab, slab->pin);
    slab->last = slab->pin;
    slab->pin = LOAD(slab->chunks[slab->pin].next);
    slab->run_end = run_before(slab, slab->pin);
    return true;
}

uint32_t zk_slab_enter_run(struct slab *slab, char *start)
{
    uint32_t passed;

    slab->run_end = run_before(slab, slab->pin);
    while (start >= slab->run_end)
        if (!pass_pin(slab, &start))
            break;
    passed = slab->last;
    enter_chunk(slab, start < slab_end(slab) ? start : slab_end(slab));
    return passed;
}

/* Goes on to the first run ahead in which the block fits. False when there is none. */
static bool find_run(struct slab *slab, size_t size, size_t align)
{
    uint32_t pin = slab->pin;

    if (size >= slab->too_large)
        return false;
    while (pin != ZK_NO_CHUNK && !fits(run_behind(slab, pin),
                                       run_before(slab, LOAD(slab->chunks[pin].next)), size, align))
        pin = LOAD(slab->chunks[pin].next);
    if (pin == ZK_NO_CHUNK) {
        if (align == ZK_GRANULE) /* until bumping starts over, the room ahead only shrinks */
            slab->too_large = size;
        return false;
    }

    begin_move(slab);
    zk_slab_close_chunk(slab, LOAD(slab->bump));
    slab->last = pin;
    slab->pin = LOAD(slab->chunks[pin].next);
    zk_slab_enter_run(slab, run_behind(slab, pin));
    end_move(slab);
    return true;
}

/* ---- Serving ---- */

/* A block comes to reach into a chunk in which, by the books, nothing lives. They are checked as when it is entered. */
static void span_chunk(struct slab *slab, uint32_t index)
{
    struct chunk *chunk = &slab->chunks[index];

    if ((LOAD(chunk->blocks) | LOAD(chunk->freed) | LOAD(chunk->freed_elsewhere)) != 0)
        renew(slab, index);
    STORE(chunk->word, LOAD(slab->word));
}

/* Records that the chunks that a block reaches into are in use in this phase. Large blocks come and go in the
 * same place, so the range recorded last is remembered, and not looked at again. */
static void mark_used(struct slab *slab, const char *start, const char *end)
{
    uint64_t word = LOAD(slab->word);
    uint32_t first = chunk_of(slab, start) + 1;
    uint32_t behind = chunk_of(slab, end - 1) + 1;

    if (first >= behind)
        return;
    if (slab->spanned_in != word || first < slab->spanned_first || first > slab->spanned_behind)
        slab->spanned_first = slab->spanned_behind = first;
    slab->spanned_in = word;
    for (; slab->spanned_behind < behind; slab->spanned_behind++)
        span_chunk(slab, slab->spanned_behind);
}

/* Takes [start, end), which fits into the run, for a block, and adds it to the log of the chunk that it starts in.
 * If bumping is not in that chunk yet, makes it the current one, from `at` on. */
static void take(struct slab *slab, char *at, char *start, char *end)
{
    _Atomic uint32_t *log;

    if (start >= slab->limit) {
        if (slab->pinned) /* the previous block may grow into the gap */
            mark_used(slab, chunk_start(slab, (uint32_t)LOAD(slab->current)), at);
        make_clean(slab, slab->limit, at);
        zk_slab_close_chunk(slab, at);
        enter_chunk(slab, at);
    }
    log = LOAD(slab->log);
    atomic_store_explicit(log, (uint32_t)(uintptr_t)start, memory_order_relaxed);
    STORE(slab->log, log + 1);
    if (end <= slab->limit) {
        STORE(slab->bump, end);
        return;
    }
    if (slab->pinned)
        mark_used(slab, start, end);
    make_clean(slab, slab->limit, end);
    zk_slab_close_chunk(slab, end);
    zk_slab_enter_run(slab, end);
}

/* A large block starts some cache lines into its chunk, if there is room; how many depends on the chunk's number. For
 * the reason, see stagger. */
static size_t colour(const struct slab *slab, const char *start, size_t size)
{
    const size_t colours = 64;
    size_t room = (size_t)(slab->run_end - start) - size; /* it fits */
    size_t bytes = chunk_of(slab, start) % colours * ZK_LINE;

    return bytes <= room ? bytes : 0;
}

/* Under pinned, a large block has the chunk that it starts in to itself: otherwise one small live
 * neighbour would keep its memory from being reused. */
static size_t align_large(const struct slab *slab, size_t align)
{
    size_t large = slab->pinned ? bytes_of_chunk(slab) : zk_os_page_bytes();

    return align < large ? large : align;
}

/* Raises the limit to the end of the chunk, or of the run, again. */
static void loosen(struct slab *slab)
{
    char *end = chunk_start(slab, (uint32_t)LOAD(slab->current) + 1);

    slab->limit = end < slab->run_end ? end : slab->run_end;
}

/* Finds the first place for `before` bytes of padding and the block after them, moving on to another run if need be.
 * NULL if there is none. */
static char *find_place(struct slab *slab, size_t before, size_t size, size_t align)
{
    char *bump;

    if (!fits(LOAD(slab->bump), slab->run_end, before + size, align) &&
        !find_run(slab, before + size, align))
        return NULL;
    bump = LOAD(slab->bump);
    return bump + (-(uintptr_t)bump & (align - 1)) + before;
}

/* Serves a block that starts `colour` bytes after `at`. NULL if the kernel has no memory. */
static void *serve(struct slab *slab, char *at, size_t colour, size_t size)
{
    char *start = at + colour;
    char *end = start + zk_in_granules(size);

    if (!zk_slab_commit(slab, end))
        return NULL;
    loosen(slab);
    begin_move(slab);
    take(slab, at, start, end);
    end_move(slab);
    return start;
}

/* Remembers a large block, which has its chunk to itself, until bumping starts over. */
static void remember_large(struct slab *slab, const char *start)
{
    uint32_t index = chunk_of(slab, start);

    if (!slab->pinned || index == LOAD(slab->current)) /* that chunk is still open */
        return;
    slab->large[slab->large_next] = index;
    slab->large_next = (slab->large_next + 1) % ZK_LARGE_KNOWN;
}

static __attribute__((noinline)) void *carve_large(struct slab *slab, size_t size, size_t align)
{
    char *at = find_place(slab, 0, size, align_large(slab, align));
    char *start;

    if (at == NULL)
        return NULL;
    start =
        serve(slab, at,
              slab->pinned && align <= ZK_LINE ? colour(slab, at, zk_in_granules(size)) : 0, size);
    if (start != NULL)
        remember_large(slab, start);
    return start;
}

/* Serves a large block that is dead, and was of the same size, once more where it is: its chunk keeps its place in the
 * list, and its entry in the log. NULL if none is known. */
static void *serve_again(struct slab *slab, size_t size, size_t align)
{
    for (unsigned i = 0; i < ZK_LARGE_KNOWN; i++) {
        uint32_t index = slab->large[i];
        struct chunk *chunk;
        char *start;
        bool served;

        if (index == ZK_NO_CHUNK)
            continue;
        chunk = &slab->chunks[index];
        start = entry_of(slab, index, 0);
        if (LOAD(chunk->tail) != start + zk_in_granules(size) || LOAD(chunk->freed) != 1 ||
            ((uintptr_t)start & (align - 1)) != 0)
            continue;
        begin_move(slab);
        served = renew_one(slab, chunk, index, chunk_start(slab, index));
        if (served) {
            if (slab->dirty < LOAD(chunk->tail))
                slab->dirty = LOAD(chunk->tail);
            chunk->weighed_blocks = 0;
            STORE(slab->closed_count, LOAD(slab->closed_count) + 1);
            STORE(slab->closed_bytes, LOAD(slab->closed_bytes) +
                                          (size_t)(LOAD(chunk->tail) - chunk_start(slab, index)));
            STORE(slab->reuses, LOAD(slab->reuses) + 1);
        }
        end_move(slab);
        if (served)
            return start;
    }
    return NULL;
}

static void *carve_small(struct slab *slab, size_t size, size_t align)
{
    char *at;

    if (align <= ZK_GRANULE)
        at = find_place(slab, stagger(slab, size), size, ZK_GRANULE);
    else
        at = find_place(slab, 0, size, align);
    return at == NULL ? NULL : serve(slab, at, 0, size);
}

void *zk_slab_carve(struct slab *slab, size_t size, size_t align)
{
    void *p;

    if (size == 0)
        size = 1;
    if (slab->pinned && freed_blocks(slab) != slab->freed_before) {
        p = size >= ZK_LARGE_FROM && !slab->wipes ? serve_again(slab, size, align) : NULL;
        if (p != NULL)
            return p;
        zk_slab_reuse(slab, size, align);
    }
    p = size >= ZK_LARGE_FROM ? carve_large(slab, size, align) : carve_small(slab, size, align);
    if (p == NULL)
        slab->refused += size;
    return p;
}

/* Grows the last block of the chunk that bumping is in. */
static void grow_in_chunk(struct slab *slab, char *p, char *end)
{
    loosen(slab);
    if (end <= slab->limit) {
        STORE(slab->bump, end);
        return;
    }
    begin_move(slab);
    mark_used(slab, p, end);
    make_clean(slab, slab->limit, end);
    zk_slab_close_chunk(slab, end);
    zk_slab_enter_run(slab, end);
    end_move(slab);
}

/* Takes the current chunk, the last one in the list, out of it again. Nothing was served from it, and it comes to lie
 * under the last block of the chunk before it in the list. It is closed. */
static void unlink_current(struct slab *slab, uint32_t before)
{
    STORE(slab->chunks[before].next, slab->pin);
    slab->last = before;
    slab->listed--;
}

/* Grows the last block of a closed chunk. Bump is where it ends, in a later chunk that has no block yet. */
static void grow_behind_chunk(struct slab *slab, char *p, char *end)
{
    uint32_t current = (uint32_t)LOAD(slab->current);

    begin_move(slab);
    STORE(slab->closed_bytes, LOAD(slab->closed_bytes) + (size_t)(end - LOAD(slab->bump)));
    STORE(slab->chunks[chunk_of(slab, p)].tail, end);
    if (chunk_of(slab, end) == current) {
        mark_used(slab, p, chunk_start(slab, current));
        bump_from(slab, current, end, slab->limit);
        loosen(slab);
    } else {
        make_clean(slab, slab->limit, end);
        zk_slab_close_chunk(slab, LOAD(slab->bump));
        unlink_current(slab, chunk_of(slab, p));
        mark_used(slab, p, end);
        zk_slab_enter_run(slab, end);
    }
    end_move(slab);
}

bool zk_slab_grow(struct slab *slab, char *p, size_t old_bytes, size_t size)
{
    char *bump = LOAD(slab->bump);
    char *end = p + zk_in_granules(size);
    bool has_block = LOAD(slab->log) != log_of(slab, LOAD(slab->current));

    if (p + old_bytes != bump || size > (size_t)(slab->run_end - p) || !zk_slab_commit(slab, end))
        return false;
    if (chunk_of(slab, p) == LOAD(slab->current))
        grow_in_chunk(slab, p, end);
    else if (!has_block && bump == LOAD(slab->run_start) &&
             LOAD(slab->chunks[chunk_of(slab, p)].next) == LOAD(slab->current)) /* p lives */
        grow_behind_chunk(slab, p, end);
    else
        return false;
    return true;
}

void zk_slab_tighten(struct slab *slab, size_t bytes)
{
    char *bump = LOAD(slab->bump);

    /* The fast path would bump past a limit between two granules. */
    bytes &= ~(size_t)(ZK_GRANULE - 1);
    if (bytes < (size_t)(slab->limit - bump))
        slab->limit = bump + bytes;
}
