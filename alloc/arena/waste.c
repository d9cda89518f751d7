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

/* Gives back the pages that lie entirely in [start, end), and returns their bytes. Locked memory stays. */
static size_t give_back_pages(char *start, char *end)
{
    struct zk_pages pages = zk_os_whole_pages(start, end);
    size_t bytes = (size_t)(pages.end - pages.start);

    return bytes > 0 && zk_os_discard(pages.start, bytes) ? bytes : 0;
}

/* What a closed chunk keeps from being used, from its first block on: what lies before that is the end of an earlier
 * chunk's last block. */
struct weight {
    size_t dead;      /* bytes that are */
    size_t given;     /* those of them in pages that were given back */
    uint64_t classes; /* of the blocks that live */
};

/* If gives_back, gives the dead pages back. */
static struct weight weigh_chunk(struct slab *slab, uint32_t index, bool gives_back)
{
    uint32_t blocks = LOAD(slab->chunks[index].blocks);
    char *dead_from = entry_of(slab, index, 0);
    struct weight weight = {0};

    if (blocks == 0) /* kept because of a wrong free: its entries are of an earlier life */
        return weight;
    for (uint32_t i = 0; i <= blocks; i++) {
        char *p = i < blocks ? entry_of(slab, index, i) : run_behind(slab, index);
        char *end;

        if (i < blocks && zk_slab_is_freed(slab, p))
            continue;
        if (gives_back)
            weight.given += give_back_pages(dead_from, p);
        weight.dead += (size_t)(p - dead_from);
        if (i == blocks)
            break;
        end = i + 1 < blocks ? entry_of(slab, index, i + 1) : LOAD(slab->chunks[index].tail);
        weight.classes |= classes_of(slab, (size_t)(end - p));
        dead_from = end;
    }
    return weight;
}

static uint32_t as_32(size_t bytes)
{
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* Has the chunk not been weighed since it was entered, or has a quarter of what lived died since? */
static bool is_worn(const struct chunk *chunk)
{
    return chunk->weighed_blocks == 0 ||
           4 * (uint64_t)live_blocks(chunk) <= 3 * (uint64_t)(chunk->weighed_blocks - 1);
}

/* Weighs a chunk again. */
static uint64_t update(struct slab *slab, uint32_t index, bool gives_back)
{
    struct chunk *chunk = &slab->chunks[index];
    uint32_t live = live_blocks(chunk);
    struct weight weight = weigh_chunk(slab, index, gives_back);

    if (chunk->weighed_blocks == 0) {
        chunk->given = 0;
        chunk->taught = false;
    }
    chunk->waste = as_32(weight.dead);
    if (gives_back)
        chunk->given = as_32(weight.given);
    chunk->trimmed = gives_back;
    chunk->weighed_blocks = live + 1;
    return weight.classes;
}

/* Dead bytes of a chunk that take memory. */
static size_t held_bytes(const struct chunk *chunk)
{
    return chunk->waste > chunk->given ? chunk->waste - chunk->given : 0;
}

/* Sums over the chunks of the list: dead bytes, and those of them that take memory. */
struct waste {
    size_t dead;
    size_t held;
};

static struct waste weigh(struct slab *slab)
{
    struct waste waste = {0};

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct chunk *chunk = &slab->chunks[index];

        if (is_worn(chunk))
            update(slab, index, false);
        waste.dead += chunk->waste;
        waste.held += held_bytes(chunk);
    }
    return waste;
}

/* Too much is wasted: gives back the dead pages of each chunk that is worth it, and learns the sizes of the blocks
 * that live there. Each chunk teaches once, or else what was learned and forgotten would be learned again from the same
 * blocks; the chunk `newest` (or ZK_NO_CHUNK) does not, as what lives there may be about to die. */
static void relieve(struct slab *slab, uint32_t newest)
{
    const size_t least = bytes_of_chunk(slab) / 4;
    uint64_t classes = 0;
    size_t held = 0;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        struct chunk *chunk = &slab->chunks[index];

        if (index != newest && chunk->waste > least && !chunk->trimmed) {
            uint64_t found = update(slab, index, true);

            classes |= chunk->taught ? 0 : found;
            chunk->taught = true;
        }
        held += held_bytes(chunk);
    }
    zk_slab_set_waste(slab, held);
    zk_tenure_learn(classes, LOAD(slab->word));
}

void zk_slab_set_waste(struct slab *slab, size_t bytes)
{
    zk_tenure_waste((int64_t)bytes - (int64_t)slab->waste);
    slab->waste = bytes;
}

void zk_slab_learn(struct slab *slab, size_t kept_bytes)
{
    struct waste waste;

    zk_slab_set_waste(slab, kept_bytes); /* an upper bound, weighed only if too much */
    if (!zk_tenure_is_due(0, slab->high_water))
        return;
    waste = weigh(slab);
    zk_slab_set_waste(slab, waste.held);
    if (zk_tenure_is_due(kept_bytes - waste.dead, slab->high_water))
        relieve(slab, ZK_NO_CHUNK);
}

void zk_slab_learn_within(struct slab *slab, size_t kept_bytes)
{
    const size_t least = (size_t)4 << 20;    /* kept bytes, if nearly all of them are dead, ... */
    const size_t usually = (size_t)16 << 20; /* ... or if a quarter is */
    struct waste waste;

    if (slab->weighed_in != LOAD(slab->word))
        slab->weighed_from = least;
    slab->weighed_in = LOAD(slab->word);
    if (kept_bytes < slab->weighed_from)
        return;
    waste = weigh(slab);
    slab->weighed_from = kept_bytes + kept_bytes / 4;
    if (waste.held > (kept_bytes < usually ? kept_bytes / 8 * 7 : kept_bytes / 4))
        relieve(slab, (uint32_t)LOAD(slab->current));
}

size_t zk_slab_trim(struct slab *slab, uint64_t word)
{
    size_t bytes = 0;

    for (uint32_t index = LOAD(slab->first); index != ZK_NO_CHUNK;
         index = LOAD(slab->chunks[index].next)) {
        const struct chunk *chunk = &slab->chunks[index];
        size_t before = chunk->weighed_blocks != 0 ? chunk->given : 0;

        if (LOAD(chunk->open) != 0 || LOAD(chunk->word) >= word ||
            (!is_worn(chunk) && chunk->trimmed))
            continue;
        update(slab, index, true);
        bytes += chunk->given > before ? chunk->given - before : 0;
    }
    return bytes;
}
