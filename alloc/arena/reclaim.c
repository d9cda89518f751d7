/*
 * reclaim.c - what recycling does to a slab's books: which chunks are kept, and where bumping continues. The
 * top of recycle.c says why this is right.
 */
#include "os.h"
#include "slab_books.h"

/* To look at a chunk is worth it once so many bytes were served. */
static const uint64_t bytes_for_chunk = 4096;

size_t zk_slab_phase_bytes(const struct slab *slab)
{
    char *bump = LOAD(slab->bump);
    size_t served = (size_t)(served_bytes(slab) - slab->bytes_before);
    size_t reached = (size_t)((bump > slab->furthest ? bump : slab->furthest) - slab->base);

    return served < reached ? served : reached;
}

/* Closes the books on everything that has been served so far. */
static void close_all(struct slab *slab)
{
    char *bump = LOAD(slab->bump);

    if (slab->dirty < bump)
        slab->dirty = bump;
    if (slab->soiled < bump)
        slab->soiled = bump;
    if (slab->furthest < bump)
        slab->furthest = bump;
    zk_slab_close_chunk(slab, bump);
}

/* Settles the books of the phase that is over, before the next one. */
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

/* Reclaimed is what was pinned before plus what has been served since, less what is pinned now. A
 * pinned chunk counts as a whole, so the difference can be negative; then nothing was reclaimed. */
static void count_pinned(struct slab *slab, uint64_t chunks, uint64_t bytes)
{
    uint64_t before = LOAD(slab->pinned_bytes) + slab->high_water;

    add(&slab->reclaimed_bytes, before > bytes ? before - bytes : 0);
    STORE(slab->pinned_chunks, chunks);
    STORE(slab->pinned_bytes, bytes);
}

/* What leads to the chunk after `index` in the list; ZK_NO_CHUNK: to the first one. */
static _Atomic uint32_t *link_after(struct slab *slab, uint32_t index)
{
    return index == ZK_NO_CHUNK ? &slab->first : &slab->chunks[index].next;
}

/* Bumping starts over, between the chunks in the list. All books are closed. freed is the number of
 * blocks that had been freed before anything looked for dead chunks; frees that came during the search
 * are found next time. */
static void start_over(struct slab *slab, uint64_t freed)
{
    zk_slab_forget_large(slab);
    slab->freed_before = freed;
    slab->refused = 0;
    slab->too_large = SIZE_MAX;
    slab->served_before = LOAD(slab->closed_bytes);
    slab->last = slab->skip;
    slab->pin = LOAD(*link_after(slab, slab->skip));
    slab->skip = zk_slab_enter_run(slab, slab->skip == ZK_NO_CHUNK ? slab->base
                                                                   : run_behind(slab, slab->skip));
}

static void empty_list(struct slab *slab)
{
    STORE(slab->first, ZK_NO_CHUNK);
    slab->listed = 0;
    slab->skip = ZK_NO_CHUNK;
}

static void forget_all(struct slab *slab, uint64_t freed)
{
    empty_list(slab);
    zk_slab_set_waste(slab, 0);
    slab->growths = 0;
    slab->walked_kept = 0;
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

/* Is something alive in the chunk? If not, forgets its blocks. */
static bool is_kept(struct slab *slab, uint32_t index)
{
    return (int32_t)live_blocks(&slab->chunks[index]) > 0 || !zk_slab_renew(slab, index);
}

static size_t kept_bytes(const struct slab *slab, uint32_t index)
{
    return (size_t)(run_behind(slab, index) - chunk_start(slab, index));
}

/* Unlinks the chunks in which nothing lives, and those last used in the phase `discarded` (0: none). Returns the bytes
 * of all others. */
static uint64_t unlink_dead(struct slab *slab, uint64_t discarded)
{
    uint64_t bytes = 0;
    uint64_t chunks = 0;
    uint64_t lost = 0;
    _Atomic uint32_t *link = &slab->first;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct chunk *chunk = &slab->chunks[index];

        if (discarded != 0 && LOAD(chunk->word) == discarded) {
            lost += live_blocks(chunk);
            zk_slab_forget_frees(slab, index);
        } else if (is_kept(slab, index)) {
            chunks++;
            bytes += kept_bytes(slab, index);
            STORE(*link, index);
            link = &chunk->next;
        }
    }
    STORE(*link, ZK_NO_CHUNK);
    slab->listed = chunks;
    slab->skip = ZK_NO_CHUNK;
    slab->looked_in = LOAD(slab->word);
    atomic_fetch_add(&slab->freed_elsewhere, lost);
    return bytes;
}

static void walk(struct slab *slab)
{
    uint64_t word = LOAD(slab->word);
    uint64_t bytes = unlink_dead(slab, LOAD(slab->discarded) == word ? word : 0);

    zk_slab_learn(slab, bytes);
    slab->growths = bytes > slab->walked_kept ? slab->growths + 1 : 0;
    slab->walked_kept = bytes;
    slab->walked_bytes = LOAD(slab->closed_bytes);
    slab->unwalked = 0;
    slab->kept_more = 0;
    count_pinned(slab, slab->listed, bytes);
}

/* The same for those chunks only that bumping has entered or passed since it last started over. What has died in the
 * others is found later. */
static void walk_young(struct slab *slab)
{
    uint64_t word = LOAD(slab->word);
    uint64_t bytes = LOAD(slab->pinned_bytes);
    _Atomic uint32_t *link = link_after(slab, slab->skip);

    for (uint32_t index = LOAD(*link); index != slab->pin; index = LOAD(slab->chunks[index].next)) {
        bool is_new = LOAD(slab->chunks[index].word) == word;
        size_t own = kept_bytes(slab, index);

        if (is_kept(slab, index)) {
            slab->kept_more += is_new ? own : 0;
            bytes += is_new ? own : 0;
            STORE(*link, index);
            link = &slab->chunks[index].next;
        } else {
            slab->listed--;
            if (!is_new) /* a block may have grown since it was counted */
                bytes -= own < bytes ? own : bytes;
        }
    }
    STORE(*link, slab->pin);
    slab->unwalked++;
    count_pinned(slab, slab->listed, bytes);
}

/* With many chunks kept, a walk costs more than a small phase does. Must the list be walked completely? If not for long,
 * or if enough has been served since to make the cost small; and if a chunk that bumping has not come to since it last
 * started over may be one of this phase: if it was discarded, or if bumping has started over within it. */
static bool is_walk_due(const struct slab *slab)
{
    const uint64_t chunks_each_begin = 64;

    return slab->listed <= chunks_each_begin * (slab->unwalked + 1) ||
           LOAD(slab->closed_bytes) - slab->walked_bytes >= slab->listed * bytes_for_chunk ||
           LOAD(slab->discarded) == LOAD(slab->word) || slab->looked_in == LOAD(slab->word);
}

/* Or if more is kept by now, so that its waste should be measured: see waste.c. */
static bool has_grown(const struct slab *slab)
{
    const uint64_t least = 2 << 20;
    const uint64_t part = LOAD(slab->pinned_bytes) / 16;

    return slab->kept_more > (least < part ? part : least);
}

/* ---- What is no longer used ---- */

/* Does the chunk hold memory that no phase since `word` has used? If so, forgets its blocks. */
static bool is_unused(struct slab *slab, uint32_t index, uint64_t word)
{
    const struct chunk *chunk = &slab->chunks[index];
    bool unused;

    if (LOAD(chunk->word) == 0 || LOAD(chunk->word) >= word)
        return false;
    begin_move(slab); /* a child that is forked in the middle does not use the slab */
    unused = zk_slab_renew(slab, index);
    end_move(slab);
    return unused;
}

/* Gives back the pages of chunks [from, to) and of their logs. Returns the bytes of the chunks; 0 if they stay, being
 * locked. */
static size_t discard_chunks(struct slab *slab, uint32_t from, uint32_t to)
{
    size_t bytes = (size_t)(to - from) << zk_chunk_shift(slab);

    if (!zk_os_discard(chunk_start(slab, from), bytes))
        return 0;
    for (uint32_t index = from; index < to; index++)
        STORE(slab->chunks[index].word, 0);
    slab->spanned_in = 0; /* mark_used has to record them again */
    zk_os_discard((void *)log_of(slab, from),
                  (size_t)((char *)log_of(slab, to) - (char *)log_of(slab, from)));
    return bytes;
}

/* Gives back the pages of those chunks in a free run that no phase since `word` has used. Returns their bytes. */
static size_t give_back(struct slab *slab, const char *start, const char *end, uint64_t word)
{
    const char *dirty = slab->dirty + bytes_of_chunk(slab) - 1;
    uint32_t from = chunk_of(slab, start + bytes_of_chunk(slab) - 1);
    uint32_t to = chunk_of(slab, end < dirty ? end : dirty); /* above it, none is used */
    size_t bytes = 0;

    while (from < to) {
        uint32_t unused = from;

        while (unused < to && is_unused(slab, unused, word))
            unused++;
        if (unused > from)
            bytes += discard_chunks(slab, from, unused);
        from = unused + 1;
    }
    return bytes;
}

/* Chunks at the top that were given back count as never used again. */
static void lower_dirty(struct slab *slab)
{
    uint32_t top = chunk_of(slab, slab->dirty + bytes_of_chunk(slab) - 1);

    while (top > 0 && LOAD(slab->chunks[top - 1].word) == 0)
        top--;
    if (chunk_start(slab, top) < slab->dirty)
        slab->dirty = chunk_start(slab, top);
}

/* Gives back what no phase since `word` has used. Returns its bytes. */
static size_t give_back_unused(struct slab *slab, uint64_t word)
{
    const char *start = slab->base;
    uint32_t pin = LOAD(slab->first);
    size_t bytes = 0;

    for (;; pin = LOAD(slab->chunks[pin].next)) {
        const char *end = run_before(slab, pin);

        if (start < end)
            bytes += give_back(slab, start, end, word);
        if (pin == ZK_NO_CHUNK)
            break;
        /* The chunk that bumping is in is in the list too, but has no tail yet. */
        start =
            LOAD(slab->chunks[pin].open) != 0 ? chunk_start(slab, pin + 1) : run_behind(slab, pin);
    }
    lower_dirty(slab);
    return bytes + zk_slab_trim(slab, word);
}

void zk_slab_tend(struct slab *slab, uint64_t word)
{
    const uint64_t phases = 2 * 32; /* a phase's word is twice its number */

    slab->tended = word;
    if (slab->pinned && word >= phases)
        give_back_unused(slab, word - phases);
}

/* ---- Recycling ---- */

/* Is every block dead that was ever served? The counts alone decide, unless they are in doubt
 * (slab->doubt). */
static bool all_dead(const struct slab *slab, uint64_t served, uint64_t freed)
{
    return served + slab->doubt == freed;
}

static __attribute__((noinline)) void reclaim_dead(struct slab *slab, uint64_t word, uint64_t freed)
{
    if (is_walk_due(slab) || has_grown(slab))
        walk(slab);
    else
        walk_young(slab);
    add(&slab->walks, 1);
    STORE(slab->word, word);
    start_over(slab, freed);
}

void zk_slab_reclaim(struct slab *slab, uint64_t word)
{
    uint64_t freed;

    begin_move(slab);
    settle(slab);
    freed = freed_blocks(slab);
    if (all_dead(slab, LOAD(slab->closed_count), freed)) {
        STORE(slab->word, word);
        forget_all(slab, freed);
    } else {
        reclaim_dead(slab, word, freed);
    }
    end_move(slab);
}

/* Reuses what has died while it is still in the caches, so that a phase takes only as much memory as it needs
 * at a time. Looking for it costs time for each chunk in the list. So this is done only once enough has been
 * served or refused since the last time to make that cost small, and only if the block does not fit into the
 * current chunk anyway. */
void zk_slab_reuse(struct slab *slab, size_t size, size_t align)
{
    uint64_t freed = freed_blocks(slab);
    bool all;

    all = all_dead(slab, served_blocks(slab), freed);
    if (!all && (served_bytes(slab) + slab->refused + size <
                     slab->served_before + slab->listed * bytes_for_chunk ||
                 fits(LOAD(slab->bump), slab->limit, size, align)))
        return;
    begin_move(slab);
    close_all(slab);
    if (all)
        empty_list(slab);
    else
        zk_slab_learn_within(slab, unlink_dead(slab, 0));
    add(&slab->reuses, 1);
    start_over(slab, freed);
    end_move(slab);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Gives back all memory in which nothing lives. Returns its bytes. */
static size_t drain(struct slab *slab, uint64_t freed)
{
    begin_move(slab);
    close_all(slab);
    unlink_dead(slab, 0);
    start_over(slab, freed);
    end_move(slab);
    return give_back_unused(slab, UINT64_MAX);
}

/* What the slab goes on to use comes back at a page fault for each page. So system must have served as much as can be
 * expected to have died meanwhile, and more than the slab has; and if little was gained, more the next time. */
void zk_slab_drain(struct slab *slab)
{
    const size_t least = (size_t)1 << 20;
    const size_t part_of_kept = 8;
    const size_t part_of_phase = 4;
    const unsigned most_patience = 16;
    uint64_t served = served_bytes(slab);

    if (served - slab->detoured_from < slab->detoured) {
        if (drain(slab, freed_blocks(slab)) >= slab->detoured / 2)
            slab->patience = 1;
        else if (slab->patience < most_patience)
            slab->patience *= 2;
    }
    slab->detoured = 0;
    slab->detoured_from = served;
    slab->drained_from =
        slab->patience * larger(larger(least, slab->high_water / part_of_phase),
                                slab->listed * bytes_of_chunk(slab) / part_of_kept);
}

void zk_slab_discard(struct slab *slab, uint64_t word)
{
    if (LOAD(slab->word) == word)
        STORE(slab->discarded, word);
}

/* Counts the open chunk by its log, since its block count is not set yet. */
static uint32_t blocks_so_far(const struct slab *slab, uint32_t index)
{
    const struct chunk *chunk = &slab->chunks[index];

    return LOAD(chunk->open) != 0 ? (uint32_t)(LOAD(slab->log) - log_of(slab, index))
                                  : LOAD(chunk->blocks);
}

uint64_t zk_slab_discarded_blocks(struct slab *slab)
{
    uint64_t word = LOAD(slab->discarded);
    uint64_t count = 0;
    uint32_t index = LOAD(slab->first);

    if (word == 0 || word != LOAD(slab->word))
        return 0;
    /* Bounded by the number of chunks, in case the list is being changed after all. */
    for (size_t left = LOAD(slab->bytes) >> zk_chunk_shift(slab); left > 0 && index != ZK_NO_CHUNK;
         left--) {
        const struct chunk *chunk = &slab->chunks[index];

        if (LOAD(chunk->word) == word)
            count += blocks_so_far(slab, index) - LOAD(chunk->freed) - LOAD(chunk->freed_elsewhere);
        index = LOAD(chunk->next);
    }
    return count;
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
        pin = LOAD(slab->chunks[pin].next);
        end = run_before(slab, pin);
    }
}
