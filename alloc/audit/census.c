/*
 * census.c - a hash table of live blocks by address, in shards with a lock each: so threads seldom
 * contend, and only one shard is doubled at a time, which keeps the table below about 80 bytes for
 * each block.
 */
#include "census.h"
#include "config.h"
#include "lock.h"
#include "os.h"
#include "tally.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    shard_bits = 5,
    shard_count = 1 << shard_bits,
    first_room = 64,
};

static const unsigned thread_mask = (1u << 24) - 1;
static const unsigned align_mask = (1u << 6) - 1;

struct entry {
    uintptr_t address; /* 0: free */
    size_t size;
    zk_site site;
    uint32_t asked; /* asked_whole: the same as size */
    uint32_t phase;
    unsigned thread : 24;
    unsigned align_log2 : 6;
    unsigned arena : 1;
    unsigned counted : 1;
};
_Static_assert(sizeof(struct entry) == 32, "an audit's memory is counted in these");

static const uint32_t asked_whole = UINT32_MAX;

static size_t asked_of(const struct entry *entry)
{
    return entry->asked == asked_whole ? entry->size : entry->asked;
}

static uint32_t pack_asked(size_t asked, size_t size)
{
    return asked >= size || asked >= asked_whole ? asked_whole : (uint32_t)asked;
}

struct table {
    size_t room;            /* a power of two, or 0 */
    struct entry entries[]; /* linear probing */
};

static struct table no_table;

struct shard {
    _Alignas(64) struct zk_lock lock;
    struct table *table;
    size_t count;
    size_t watched;      /* bytes of pages that a trap would need for the live blocks ... */
    size_t watched_most; /* ... and their maximum so far */
};

static struct {
    struct shard shards[shard_count];
    /* Written under the phase lock. */
    _Atomic uint64_t retained_count;
    _Atomic size_t retained_largest;
    _Atomic uint64_t arena_count;
    _Atomic size_t arena_largest;
    _Atomic uint64_t lost;
    _Atomic size_t in_page; /* mask for an address's offset in its page */
} census = {.shards = {[0 ... shard_count - 1] = {.table = &no_table}}};

static uint64_t hash_address(uintptr_t address)
{
    return (address >> 4) * 0x9E3779B97F4A7C15u;
}

static struct shard *shard_of(uintptr_t address)
{
    return &census.shards[hash_address(address) >> (64 - shard_bits)];
}

static size_t home_of(const struct table *table, uintptr_t address)
{
    return (size_t)(hash_address(address) >> 16) & (table->room - 1);
}

/* The entry of address, or the free one where it belongs. The table has room. */
static struct entry *find(struct table *table, uintptr_t address)
{
    size_t at = home_of(table, address);

    while (table->entries[at].address != address && table->entries[at].address != 0)
        at = (at + 1) & (table->room - 1);
    return &table->entries[at];
}

/* Writes the address last: if a fork cuts this short, the child finds a free entry. */
static void put(struct entry *entry, const struct entry *what)
{
    struct entry other = *what;

    other.address = 0;
    *entry = other;
    atomic_signal_fence(memory_order_seq_cst);
    entry->address = what->address;
}

static size_t table_bytes(size_t room)
{
    return sizeof(struct table) + room * sizeof(struct entry);
}

static struct table *new_table(size_t room)
{
    struct table *table = zk_os_map(table_bytes(room));

    atomic_store_explicit(&census.in_page, zk_os_page_bytes() - 1, memory_order_relaxed);
    if (table != NULL)
        table->room = room;
    return table;
}

static void drop_table(struct table *table)
{
    if (table != &no_table)
        zk_os_unmap(table, table_bytes(table->room));
}

/* Copies all entries to another table; returns how many different ones there are. */
static size_t move_all(struct table *to, const struct table *from)
{
    size_t count = 0;

    for (size_t i = 0; i < from->room; i++) {
        const struct entry *entry = &from->entries[i];

        if (entry->address == 0)
            continue;
        count += find(to, entry->address)->address == 0;
        put(find(to, entry->address), entry);
    }
    return count;
}

/* Rebuilds the table, in the child of a fork, if another thread of the parent was changing it: probe sequences
 * may be broken, and an entry may be there twice. */
static void mend(struct shard *shard)
{
    struct table *table;

    if (shard->table->room == 0)
        return;
    table = new_table(shard->table->room);
    if (table == NULL) { /* drop the contents: a search in the old table might never end */
        table = &no_table;
        shard->count = 0;
        census.lost++;
    } else {
        shard->count = move_all(table, shard->table);
    }
    shard->table = table;
}

static void lock(struct shard *shard)
{
    if (zk_lock(&shard->lock))
        mend(shard);
}

static void unlock(struct shard *shard)
{
    zk_unlock(&shard->lock);
}

/* Bytes of pages that a trap would use for a block: it watches blocks of at least MIN_BYTES, each
 * on pages of its own. */
static size_t watched_bytes(size_t size)
{
    /* Relaxed: the caller holds the shard's lock, under which this was written before the shard had a table. */
    size_t in_page = atomic_load_explicit(&census.in_page, memory_order_relaxed);

    return size < zk_settings.min_bytes ? 0 : (size + (size == 0) + in_page) & ~in_page;
}

static void watch(struct shard *shard, size_t more, size_t less)
{
    shard->watched += more - less;
    if (shard->watched > shard->watched_most)
        shard->watched_most = shard->watched;
}

/* Keeps the shard at most 7/8 full. */
static bool grow(struct shard *shard)
{
    struct table *old = shard->table;
    struct table *larger;

    if (shard->count < old->room - old->room / 8)
        return true;
    larger = new_table(old->room == 0 ? first_room : 2 * old->room);
    if (larger == NULL)
        return shard->count + 1 < old->room;
    move_all(larger, old);
    shard->table = larger;
    atomic_signal_fence(memory_order_seq_cst);
    drop_table(old);
    return true;
}

void zk_census_born(const void *p, const struct zk_born *born)
{
    uintptr_t address = (uintptr_t)p;
    struct shard *shard = shard_of(address);

    lock(shard);
    if (grow(shard)) {
        struct entry *entry = find(shard->table, address);

        watch(shard, watched_bytes(born->size),
              entry->address == 0 ? 0 : watched_bytes(entry->size));
        shard->count += entry->address == 0; /* else blind recycling has reused it */
        put(entry, &(struct entry){.address = address,
                                   .size = born->size,
                                   .site = born->site,
                                   .asked = pack_asked(born->asked, born->size),
                                   .thread = born->thread & thread_mask,
                                   .phase = born->phase,
                                   .align_log2 = (unsigned)born->align_log2 & align_mask,
                                   .arena = born->arena,
                                   .counted = born->counted});
    } else {
        census.lost++;
    }
    unlock(shard);
}

/* Removes an entry, and moves up those that were probed past it. */
static void take_out(struct shard *shard, struct entry *entry)
{
    struct entry *entries = shard->table->entries;
    size_t mask = shard->table->room - 1;
    size_t hole = (size_t)(entry - entries);

    shard->watched -= watched_bytes(entry->size);
    for (size_t at = (hole + 1) & mask; entries[at].address != 0; at = (at + 1) & mask) {
        size_t home = home_of(shard->table, entries[at].address);

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            put(&entries[hole], &entries[at]);
            hole = at;
        }
    }
    entries[hole].address = 0;
    shard->count--;
}

bool zk_census_gone(const void *p, struct zk_born *born)
{
    uintptr_t address = (uintptr_t)p;
    struct shard *shard = shard_of(address);
    bool known = false;

    if (p == NULL)
        return false;
    lock(shard);
    if (shard->count > 0) {
        struct entry *entry = find(shard->table, address);

        known = entry->address != 0;
        if (known) {
            *born = (struct zk_born){.size = entry->size,
                                     .asked = asked_of(entry),
                                     .site = entry->site,
                                     .thread = entry->thread,
                                     .phase = entry->phase,
                                     .align_log2 = entry->align_log2,
                                     .arena = entry->arena,
                                     .counted = entry->counted};
            take_out(shard, entry);
        }
    }
    unlock(shard);
    return known;
}

void zk_census_resized(const void *p, size_t size)
{
    struct shard *shard = shard_of((uintptr_t)p);

    lock(shard);
    if (shard->count > 0) {
        struct entry *entry = find(shard->table, (uintptr_t)p);

        if (entry->address != 0 && entry->size < size) {
            size_t asked = asked_of(entry);

            watch(shard, watched_bytes(size), watched_bytes(entry->size));
            entry->size = size;
            if (zk_settings.realloc == ZK_REALLOC_STICKY)
                entry->asked = pack_asked(asked, size);
        }
    }
    unlock(shard);
}

/* 0 if there is no entry. */
static size_t asked_at(uintptr_t address)
{
    struct shard *shard = shard_of(address);
    size_t asked = 0;

    lock(shard);
    if (shard->count > 0) {
        const struct entry *entry = find(shard->table, address);

        asked = entry->address == 0 ? 0 : asked_of(entry);
    }
    unlock(shard);
    return asked;
}

void zk_census_moved(const void *from, const void *to)
{
    zk_census_asked(to, asked_at((uintptr_t)from));
}

void zk_census_asked(const void *p, size_t asked)
{
    struct shard *shard = shard_of((uintptr_t)p);

    lock(shard);
    if (asked > 0 && shard->count > 0) {
        struct entry *entry = find(shard->table, (uintptr_t)p);

        if (entry->address != 0)
            entry->asked = pack_asked(asked, entry->size);
    }
    unlock(shard);
}

/* The tally's lock is held. */
static void count_retained(struct entry *entry, uint32_t phase)
{
    struct zk_tally_key key = {.kind = ZK_TALLY_RETAINED,
                               .size = entry->size,
                               .asked = asked_of(entry),
                               .site = entry->site,
                               .thread = entry->thread};
    struct zk_tally_row *row = zk_tally_row(&key);

    if (row == NULL)
        return;
    if (row->phase_first == 0)
        row->phase_first = phase;
    row->phase_last = phase;
    zk_tally_live(row);
    row->count += !entry->counted;
    entry->counted = true;
}

static void raise(_Atomic size_t *largest, size_t size)
{
    if (size > atomic_load(largest))
        atomic_store(largest, size);
}

void zk_census_begin(uint32_t phase)
{
    uint64_t count = 0;
    uint64_t arena_count = 0;

    zk_tally_lock();
    zk_tally_begin(phase);
    for (size_t i = 0; i < shard_count; i++) {
        struct shard *shard = &census.shards[i];

        lock(shard);
        for (size_t at = 0; at < shard->table->room; at++) {
            struct entry *entry = &shard->table->entries[at];

            if (entry->address == 0)
                continue;
            count_retained(entry, phase);
            count++;
            arena_count += entry->arena;
            raise(&census.retained_largest, entry->size);
            if (entry->arena)
                raise(&census.arena_largest, entry->size);
        }
        unlock(shard);
    }
    zk_tally_unlock();
    atomic_store(&census.retained_count, count);
    atomic_store(&census.arena_count, arena_count);
}

void zk_census_discard(uint32_t phase)
{
    for (size_t i = 0; i < shard_count; i++) {
        struct shard *shard = &census.shards[i];

        lock(shard);
        for (size_t at = 0; at < shard->table->room; at++)
            /* An entry that moves up into the place must be checked too. */
            while (shard->table->entries[at].address != 0 &&
                   shard->table->entries[at].phase == phase)
                take_out(shard, &shard->table->entries[at]);
        unlock(shard);
    }
}

struct zk_retained zk_census_retained(void)
{
    return (struct zk_retained){.count = atomic_load(&census.retained_count),
                                .largest = atomic_load(&census.retained_largest),
                                .arena_count = atomic_load(&census.arena_count),
                                .arena_largest = atomic_load(&census.arena_largest)};
}

size_t zk_census_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < shard_count; i++) {
        lock(&census.shards[i]);
        bytes += census.shards[i].table->room * sizeof(struct entry);
        unlock(&census.shards[i]);
    }
    return bytes;
}

size_t zk_census_watched_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < shard_count; i++) {
        lock(&census.shards[i]);
        bytes += census.shards[i].watched_most;
        unlock(&census.shards[i]);
    }
    return bytes;
}

uint64_t zk_census_lost(void)
{
    return atomic_load(&census.lost);
}

/* Blocks keep their `counted` flag: what the parent has counted, the child does not count again. */
void zk_census_inherit(void)
{
    atomic_store(&census.retained_count, 0);
    atomic_store(&census.retained_largest, 0);
    atomic_store(&census.arena_count, 0);
    atomic_store(&census.arena_largest, 0);
    atomic_store(&census.lost, 0);
}
