/*
 * marks.c - detects frees of what is not a live block. Pinned recycling counts frees, so one free too many, or
 * one of an address inside a block, would make a chunk look dead in which something lives.
 *
 * Each free sets a mark for the granule that it frees: the holder in a bitmap that only it writes, all other
 * threads in a second one. A free that finds its mark already set is a double free. And before a chunk is
 * reused, the sum of the addresses that were freed in it is compared with the sum of those in its log: they
 * differ if an address was freed that is not a block, or if the holder freed a block that another thread had
 * freed before.
 */
#include "misuse.h"
#include "slab_books.h"

/* The start of the block that reaches to p from an earlier chunk, if the books know of one; otherwise start. */
static const char *start_before(const struct slab *slab, const char *p, const char *start)
{
    for (uint32_t index = chunk_of(slab, p); index-- > 0;) {
        const struct chunk *chunk = &slab->chunks[index];
        uint32_t blocks = LOAD(chunk->blocks);

        if (LOAD(chunk->open) == 0 && blocks > 0)
            return LOAD(chunk->tail) > p ? entry_of(slab, index, blocks - 1) : start;
    }
    return start;
}

/* Reports what is wrong with the free of p. */
static void misuse(struct slab *slab, const char *p)
{
    const char *start = zk_slab_block_start(slab, p);
    size_t bytes;

    if (start == chunk_start(slab, chunk_of(slab, p)) && start != p)
        start = start_before(slab, p, start);
    bytes = zk_slab_block_bytes(slab, start);

    if (start == p)
        zk_misuse(p, "freed twice, a block of %zu bytes", bytes);
    else if ((size_t)(p - start) < bytes)
        zk_misuse(p, "not a block, but %zu bytes inside of one of %zu bytes at %p",
                  (size_t)(p - start), bytes, (const void *)start);
    else
        zk_misuse(p, "not a block that was ever served");
}

/* ---- Marks ---- */

static uint64_t bit_of(const struct slab *slab, const char *p)
{
    return UINT64_C(1) << ((size_t)(p - slab->base) >> ZK_GRANULE_SHIFT) % 64;
}

/* Acquire: pairs with the release by which each free sets its mark. So the last writes to a block that is found dead
 * come before its bytes are wiped or its pages given back. */
static bool is_marked(const struct slab *slab, const _Atomic uint64_t *marks, const char *p)
{
    return (atomic_load_explicit(&marks[mark_word(slab, p)], memory_order_acquire) &
            bit_of(slab, p)) != 0;
}

void zk_slab_freed_twice(struct slab *slab, const void *p)
{
    misuse(slab, p);
}

/* Release: see is_marked. Relaxed would otherwise do: marks are only compared with marks of the same granule, and they
 * are cleared before the holder puts a new block there, which happens before any free of that block. */
static bool mark_elsewhere(struct slab *slab, const char *p)
{
    _Atomic uint64_t *word = &slab->marks_elsewhere[mark_word(slab, p)];
    uint64_t bit = bit_of(slab, p);

    if ((atomic_fetch_or_explicit(word, bit, memory_order_release) & bit) != 0)
        return false;
    if (!is_marked(slab, slab->marks, p))
        return true;
    atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
    return false;
}

/* Chunks ahead of the current one may hold blocks: they are kept. In the current one there are none at or above bump.
 *
 * This holds on any thread: a block that lives has its chunk open, and bump is above the block, until the chunk is closed;
 * and then the chunk does not become the current one again. `current` changes before bump does, so where bump has gone on
 * to another chunk, so has what is read of `current` after it. It is also read before, as bump's cache line is the
 * holder's. */
bool zk_slab_may_free_ahead(struct slab *slab, const void *p)
{
    uint32_t index = chunk_of(slab, p);

    if (index >= LOAD(slab->extent) >> 32) { /* bumping has never been there */
        zk_misuse(p, "not a block that was ever served");
        return false;
    }
    if (index != LOAD(slab->current) || (const char *)p < LOAD(slab->bump) ||
        index != LOAD(slab->current))
        return true;
    zk_misuse(p, "freed twice, or never served: nothing lives there");
    return false;
}

void zk_slab_free_elsewhere(struct slab *slab, const void *p, bool pinned)
{
    if (pinned) {
        struct chunk *chunk = &slab->chunks[chunk_of(slab, p)];

        if (!zk_slab_may_free_ahead(slab, p))
            return;
        if (!mark_elsewhere(slab, p)) {
            misuse(slab, p);
            return;
        }
        /* Release, both counts: they pair with the acquires in live_blocks and freed_blocks. The
         * chunk's count first: once the slab's count says that nothing lives, all chunks' counts are
         * complete. */
        atomic_fetch_add_explicit(&chunk->elsewhere_sum, (uint32_t)(uintptr_t)p,
                                  memory_order_relaxed); /* ordered by the next add */
        atomic_fetch_add_explicit(&chunk->freed_elsewhere, 1, memory_order_release);
    }
    atomic_fetch_add_explicit(&slab->freed_elsewhere, 1, memory_order_release);
}

/* ---- Chunks ---- */

/* Plain reads, which can be vectorised: the holder, which calls this, wrote the entries itself. */
__attribute__((optimize("O3"))) static uint32_t sum_of_log(const struct slab *slab, uint32_t index,
                                                           uint32_t blocks)
{
    const uint32_t *log = (const uint32_t *)log_of(slab, index);
    uint32_t sum = 0;

    for (uint32_t i = 0; i < blocks; i++)
        sum += log[i];
    return sum;
}

/* The first granule of a closed chunk that is marked though no block starts there, or that is marked in both maps. NULL
 * if there is none. */
static char *find_wrong(const struct slab *slab, uint32_t index)
{
    uint32_t blocks = LOAD(slab->chunks[index].blocks);
    char *start = chunk_start(slab, index);
    uint32_t at = 0;

    for (size_t offset = 0; offset < bytes_of_chunk(slab); offset += ZK_GRANULE) {
        char *p = start + offset;
        bool own = is_marked(slab, slab->marks, p);
        bool elsewhere = is_marked(slab, slab->marks_elsewhere, p);

        if (!own && !elsewhere)
            continue;
        while (at < blocks && entry_of(slab, index, at) < p)
            at++;
        if ((own && elsewhere) || at == blocks || entry_of(slab, index, at) != p)
            return p;
    }
    return NULL;
}

/* A wrong free has been counted, and is not to be counted again. If it was of a block, that stays freed. */
static void settle_wrong(const struct slab *slab, const char *p)
{
    _Atomic uint64_t *own = &slab->marks[mark_word(slab, p)];

    /* Relaxed: see mark_elsewhere; and the other map is only written by the holder. */
    if ((atomic_fetch_and_explicit(&slab->marks_elsewhere[mark_word(slab, p)], ~bit_of(slab, p),
                                   memory_order_relaxed) &
         bit_of(slab, p)) == 0)
        atomic_store_explicit(own,
                              atomic_load_explicit(own, memory_order_relaxed) & ~bit_of(slab, p),
                              memory_order_relaxed);
}

/* The counts of a chunk have been found wrong, for the first time in this process: by a free in another chunk, which made
 * the slab's count agree? */
static void accuse_elsewhere(struct slab *slab, uint32_t index)
{
    const char *wrong = NULL;
    uint64_t usable = LOAD(slab->extent) >> 32;

    for (uint32_t other = 0; other < usable && wrong == NULL; other++)
        if (other != LOAD(slab->current))
            wrong = find_wrong(slab, other);
    if (wrong != NULL)
        misuse(slab, wrong);
    else
        zk_misuse(chunk_start(slab, index), "some block in the %zu bytes from here was freed twice",
                  bytes_of_chunk(slab));
}

/* The counts of a chunk are wrong. Says which frees were, each once. */
static void accuse(struct slab *slab, uint32_t index)
{
    char *wrong;

    while ((wrong = find_wrong(slab, index)) != NULL) {
        misuse(slab, wrong);
        settle_wrong(slab, wrong);
    }
    if (zk_misuses() == 0)
        accuse_elsewhere(slab, index);
}

static bool is_dead(struct slab *slab, uint32_t index)
{
    const struct chunk *chunk = &slab->chunks[index];
    uint32_t blocks = LOAD(chunk->blocks);

    if (LOAD(chunk->freed) + LOAD(chunk->freed_elsewhere) == blocks &&
        LOAD(chunk->freed_sum) + LOAD(chunk->elsewhere_sum) == sum_of_log(slab, index, blocks))
        return true;
    accuse(slab, index);
    return false;
}

static void clear_word(_Atomic uint64_t *word)
{
    /* Do not write a 0 over a 0: the page may not even be resident. */
    if (atomic_load_explicit(word, memory_order_relaxed) != 0)
        atomic_store_explicit(word, 0, memory_order_relaxed);
}

static size_t words_of_chunk(const struct slab *slab)
{
    return chunk_granules(slab) / 64;
}

static void clear_all(const struct slab *slab, _Atomic uint64_t *marks, uint32_t index)
{
    size_t words = words_of_chunk(slab);

    for (size_t i = 0; i < words; i++)
        clear_word(&marks[index * words + i]);
}

/* Clears the marks of a chunk's blocks: if they are few, by way of its log. */
static void clear(const struct slab *slab, _Atomic uint64_t *marks, uint32_t index, uint32_t blocks)
{
    const _Atomic uint32_t *log = log_of(slab, index);
    const char *start = chunk_start(slab, index);

    if (blocks > words_of_chunk(slab) / 4) {
        clear_all(slab, marks, index);
        return;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t offset =
            atomic_load_explicit(&log[i], memory_order_relaxed) - (uint32_t)(uintptr_t)start;

        clear_word(&marks[mark_word(slab, start + offset)]);
    }
}

void zk_slab_unmark(struct slab *slab, uint32_t index)
{
    struct chunk *chunk = &slab->chunks[index];
    uint32_t blocks = LOAD(chunk->blocks);

    /* Even if no frees were counted: one that a fork or the thread's death cut short may have left a mark. */
    clear(slab, slab->marks, index, blocks);
    clear(slab, slab->marks_elsewhere, index, blocks);
    STORE(chunk->blocks, 0);
    STORE(chunk->freed, 0);
    STORE(chunk->freed_sum, 0);
    STORE(chunk->freed_elsewhere, 0);
    STORE(chunk->elsewhere_sum, 0);
}

void zk_slab_forget_frees(struct slab *slab, uint32_t index)
{
    const struct chunk *chunk = &slab->chunks[index];

    /* Without any, its marks may not even be accessible yet. */
    if ((LOAD(chunk->freed) | LOAD(chunk->freed_elsewhere)) != 0) {
        clear_all(slab, slab->marks, index);
        clear_all(slab, slab->marks_elsewhere, index);
    }
    zk_slab_unmark(slab, index);
}

bool zk_slab_is_freed(const struct slab *slab, const char *p)
{
    return is_marked(slab, slab->marks, p) || is_marked(slab, slab->marks_elsewhere, p);
}

bool zk_slab_renew(struct slab *slab, uint32_t index)
{
    if (!is_dead(slab, index))
        return false;
    zk_slab_unmark(slab, index);
    return true;
}
