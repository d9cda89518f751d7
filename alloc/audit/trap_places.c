/*
 * trap_places.c - a hash set of which place has touched which block: so that a block that one line touches in a loop,
 * or in one phase after another, counts once for that line.
 */
#include "os.h"
#include "trap_inside.h"

struct place {
    uintptr_t block; /* 0: free slot. Addresses are never reused, so this identifies the block */
    uint32_t site;   /* zk_site_caller */
    uint32_t access;
};

/* Guarded by the trap's lock. */
static struct {
    struct place *at; /* open addressing */
    size_t room;
    size_t count;
} places;

static struct place *slot_of(struct place *at, size_t room, const struct place *place)
{
    uint64_t hash =
        (place->block >> 12 ^ (uint64_t)place->site << 34 ^ place->access) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(hash >> 20) & (room - 1);

    while (at[i].block != 0 && (at[i].block != place->block || at[i].site != place->site ||
                                at[i].access != place->access))
        i = (i + 1) & (room - 1);
    return &at[i];
}

/* Keeps it at most half full. */
static bool grow(void)
{
    size_t room = places.room == 0 ? 1024 : 2 * places.room;
    struct place *at;

    if (places.count < places.room / 2)
        return true;
    at = zk_os_map(room * sizeof *at);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < places.room; i++)
        if (places.at[i].block != 0)
            *slot_of(at, room, &places.at[i]) = places.at[i];
    zk_os_unmap(places.at, places.room * sizeof *at);
    places.at = at;
    places.room = room;
    return true;
}

bool zk_place_is_new(const struct zk_block *block, zk_site site, enum zk_access access)
{
    const struct place place = {(uintptr_t)block->start, zk_site_caller(site), (uint32_t)access};
    struct place *slot;

    if (!grow()) {
        zk_tally_lose(); /* some count may be too large */
        return true;
    }
    slot = slot_of(places.at, places.room, &place);
    if (slot->block != 0)
        return false;
    *slot = place;
    places.count++;
    return true;
}

/* The parent may have been changing the set, so its memory is not unmapped. */
void zk_places_forget(void)
{
    places.at = NULL;
    places.room = places.count = 0;
}
