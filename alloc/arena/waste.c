/*
 * waste.c - dead memory in kept chunks: measures it, learns from it, and gives its pages back. The top of recycle.c
 * says why no byte of a block that is found dead can be live.
 */
#include "os.h"
#include "slab_books.h"
#include "tenure.h"

static uint64_t class_of(size_t bytes)
{
    return bytes < ZK_TENURE_BELOW ? UINT64_C(1) << zk_tenure_class(bytes) : 0;
}

/* The classes that a live block's size may have had. The block ends where the next one starts, so its
 * bytes may include the cache line that staggers the next one. */
static uint64_t classes_of(const struct slab *slab, size_t bytes)
{
    uint64_t classes = class_of(bytes);

    if (bytes > ZK_LINE && stagger(slab, bytes - ZK_LINE) > 0)
        classes |= class_of(bytes - ZK_LINE);
    return classes;
}

/* Gives back the pages that lie entirely in [start, end). Locked memory stays. */
static void give_back_pages(char *start, char *end)
{
    struct zk_pages pages = zk_os_whole_pages(start, end);

    zk_os_discard(pages.start, (size_t)(pages.end - pages.start)); /* nothing, if there are none */
}

/* Dead bytes that a closed chunk keeps from being used, from its first block on: what lies before that is the end of
 * an earlier chunk's last block. Adds the classes of the live blocks to *classes. If gives_back, gives the dead pages
 * back; they count as waste all the same, since the chunk is not used for anything else. */
static size_t weigh_chunk(struct slab *slab, uint32_t index, bool gives_back, uint64_t *classes)
{
    uint32_t blocks = LOAD(slab->chunks[index].blocks);
    char *dead_from = entry_of(slab, index, 0);
    size_t waste = 0;

    for (uint32_t i = 0; i <= blocks; i++) {
        char *p = i < blocks ? entry_of(slab, index, i) : run_behind(slab, index);
        char *end;

        if (i < blocks && zk_slab_is_freed(slab, p))
            continue;
        if (gives_back)
            give_back_pages(dead_from, p);
        waste += (size_t)(p - dead_from);
        if (i == blocks)
            break;
        end = i + 1 < blocks ? entry_of(slab, index, i + 1) : LOAD(slab->chunks[index].tail);
        *classes |= classes_of(slab, (size_t)(end - p));
        dead_from = end;
    }
    return waste;
}

/* Have its dead pages been given back since it was last used? */
static bool is_trimmed(const struct chunk *chunk)
{
    return chunk->weighed == LOAD(chunk->word) && chunk->trimmed_blocks != 0;
}

static uint32_t as_32(size_t bytes)
{
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* Bytes wasted in all chunks of the list. Adds to *classes the classes of live blocks in chunks that are mostly dead
 * and were used since the slab was last recycled; those in older chunks were added then. A chunk's waste is
 * remembered, and measured again only if `anew`. */
static size_t weigh(struct slab *slab, bool anew, uint64_t *classes)
{
    const size_t most = bytes_of_chunk(slab) / 2;
    uint64_t word = LOAD(slab->word);
    size_t waste = 0;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct chunk *chunk = &slab->chunks[index];
        uint64_t found = 0;

        if (chunk->weighed != LOAD(chunk->word) || (anew && !is_trimmed(chunk))) {
            chunk->waste = as_32(weigh_chunk(slab, index, false, &found));
            chunk->trimmed_blocks = 0;
            chunk->weighed = anew ? 0 : LOAD(chunk->word);
        }
        waste += chunk->waste;
        if (LOAD(chunk->word) == word && chunk->waste > most)
            *classes |= found;
    }
    return waste;
}

void zk_slab_set_waste(struct slab *slab, size_t bytes)
{
    zk_tenure_waste((int64_t)bytes - (int64_t)slab->waste);
    slab->waste = bytes;
}

void zk_slab_learn(struct slab *slab, size_t kept_bytes)
{
    uint64_t classes = 0;

    zk_slab_set_waste(slab, kept_bytes); /* an upper bound, weighed only if too much */
    if (!zk_tenure_is_due(0, slab->high_water))
        return;
    zk_slab_set_waste(slab, weigh(slab, false, &classes));
    if (zk_tenure_is_due(kept_bytes - slab->waste, slab->high_water))
        zk_tenure_learn(classes, LOAD(slab->word));
}

void zk_slab_learn_within(struct slab *slab, size_t kept_bytes)
{
    const size_t least = (size_t)4 << 20;    /* kept bytes, if nearly all of them are dead, ... */
    const size_t usually = (size_t)16 << 20; /* ... or if a third is */
    uint64_t classes = 0;
    size_t waste;

    if (slab->weighed_in != LOAD(slab->word))
        slab->weighed_from = least;
    slab->weighed_in = LOAD(slab->word);
    if (kept_bytes < slab->weighed_from)
        return;
    slab->weighed_from = 2 * kept_bytes;
    waste = weigh(slab, true, &classes);
    if (waste > (kept_bytes < usually ? kept_bytes / 8 * 7 : kept_bytes / 3))
        zk_tenure_learn(classes, LOAD(slab->word));
}

/* Is it worth looking for dead pages in a chunk? Only if no phase since `word` has used it, and it
 * has not been trimmed yet or much has died since. */
static bool is_worn(const struct chunk *chunk, uint64_t word)
{
    if (LOAD(chunk->open) != 0 || LOAD(chunk->word) >= word)
        return false;
    return !is_trimmed(chunk) || 4 * live_blocks(chunk) <= 3 * chunk->trimmed_blocks;
}

void zk_slab_trim(struct slab *slab, uint64_t word)
{
    uint64_t classes = 0;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct chunk *chunk = &slab->chunks[index];
        uint32_t live = live_blocks(chunk);

        if (!is_worn(chunk, word))
            continue;
        chunk->waste = as_32(weigh_chunk(slab, index, true, &classes));
        chunk->trimmed_blocks = live;
        chunk->weighed = LOAD(chunk->word);
    }
}
