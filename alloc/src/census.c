/*
 * census.c - a hash table of live blocks by address, in shards, each with a lock of its own: threads
 * seldom meet, and only one shard at a time is doubled, so that the table never takes more than some
 * 80 bytes for each block.
 */
#include "census.h"
#include "os.h"
#include "tally.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
    shard_bits = 5, /* a fork holds all locks: ThreadSanitizer can keep track of 64 */
    shard_count = 1 << shard_bits,
    first_room = 64,
};

struct entry {
    uintptr_t address; /* 0: free */
    size_t size;
    zk_site site;
    uint32_t thread;
    uint32_t phase;
    uint8_t align_log2;
    bool arena;
    bool counted;
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct entry *entries; /* linear probing */
    size_t room;           /* a power of two, or 0 */
    size_t count;
};

static struct {
    struct shard shards[shard_count];
    /* Written under the phase lock. */
    _Atomic uint64_t retained_count;
    _Atomic size_t retained_largest;
    _Atomic uint64_t arena_count;
    _Atomic size_t arena_largest;
    _Atomic uint64_t lost;
} census = {.shards = {[0 ... shard_count - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}}};

static uint64_t hash_address(uintptr_t address)
{
    return (address >> 4) * 0x9E3779B97F4A7C15u;
}

static struct shard *shard_of(uintptr_t address)
{
    return &census.shards[hash_address(address) >> (64 - shard_bits)];
}

static size_t home_of(const struct shard *shard, uintptr_t address)
{
    return (size_t)(hash_address(address) >> 16) & (shard->room - 1);
}

/* The entry of address, or the free one where it belongs. The shard has room. */
static struct entry *find(const struct shard *shard, uintptr_t address)
{
    size_t at = home_of(shard, address);

    while (shard->entries[at].address != address && shard->entries[at].address != 0)
        at = (at + 1) & (shard->room - 1);
    return &shard->entries[at];
}

/* Keeps the shard at most 7/8 full. */
static bool grow(struct shard *shard)
{
    struct shard larger = {.room = shard->room == 0 ? first_room : 2 * shard->room};

    if (shard->count < shard->room - shard->room / 8)
        return true;
    larger.entries = zk_os_map(larger.room * sizeof *larger.entries);
    if (larger.entries == NULL)
        return shard->count + 1 < shard->room;
    for (size_t i = 0; i < shard->room; i++)
        if (shard->entries[i].address != 0)
            *find(&larger, shard->entries[i].address) = shard->entries[i];
    zk_os_unmap(shard->entries, shard->room * sizeof *shard->entries);
    shard->entries = larger.entries;
    shard->room = larger.room;
    return true;
}

void zk_census_born(const void *p, const struct zk_born *born)
{
    uintptr_t address = (uintptr_t)p;
    struct shard *shard = shard_of(address);

    pthread_mutex_lock(&shard->lock);
    if (grow(shard)) {
        struct entry *entry = find(shard, address);

        shard->count += entry->address == 0; /* not so where blind recycling hands it out again */
        *entry = (struct entry){.address = address,
                                .size = born->size,
                                .site = born->site,
                                .thread = born->thread,
                                .phase = born->phase,
                                .align_log2 = born->align_log2,
                                .arena = born->arena,
                                .counted = born->counted};
    } else {
        census.lost++;
    }
    pthread_mutex_unlock(&shard->lock);
}

/* Takes an entry out, and moves up what was probed past it. */
static void take_out(struct shard *shard, struct entry *entry)
{
    size_t mask = shard->room - 1;
    size_t hole = (size_t)(entry - shard->entries);

    for (size_t at = (hole + 1) & mask; shard->entries[at].address != 0; at = (at + 1) & mask) {
        size_t home = home_of(shard, shard->entries[at].address);

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            shard->entries[hole] = shard->entries[at];
            hole = at;
        }
    }
    shard->entries[hole].address = 0;
    shard->count--;
}

bool zk_census_gone(const void *p, struct zk_born *born)
{
    uintptr_t address = (uintptr_t)p;
    struct shard *shard = shard_of(address);
    bool known = false;

    if (p == NULL)
        return false;
    pthread_mutex_lock(&shard->lock);
    if (shard->count > 0) {
        struct entry *entry = find(shard, address);

        known = entry->address != 0;
        if (known) {
            *born = (struct zk_born){.size = entry->size,
                                     .site = entry->site,
                                     .thread = entry->thread,
                                     .phase = entry->phase,
                                     .align_log2 = entry->align_log2,
                                     .arena = entry->arena,
                                     .counted = entry->counted};
            take_out(shard, entry);
        }
    }
    pthread_mutex_unlock(&shard->lock);
    return known;
}

void zk_census_resized(const void *p, size_t size)
{
    struct shard *shard = shard_of((uintptr_t)p);

    pthread_mutex_lock(&shard->lock);
    if (shard->count > 0) {
        struct entry *entry = find(shard, (uintptr_t)p);

        if (entry->address != 0 && entry->size < size)
            entry->size = size;
    }
    pthread_mutex_unlock(&shard->lock);
}

/* The tally's lock is held. */
static void count_retained(struct entry *entry, uint32_t phase)
{
    struct zk_tally_key key = {.kind = ZK_TALLY_RETAINED,
                               .size = entry->size,
                               .site = entry->site,
                               .thread = entry->thread};
    struct zk_tally_row *row = zk_tally_row(&key);

    if (row == NULL)
        return;
    if (row->phase_first == 0)
        row->phase_first = phase;
    row->phase_last = phase;
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
    for (size_t i = 0; i < shard_count; i++) {
        struct shard *shard = &census.shards[i];

        pthread_mutex_lock(&shard->lock);
        for (size_t at = 0; at < shard->room; at++) {
            struct entry *entry = &shard->entries[at];

            if (entry->address == 0)
                continue;
            count_retained(entry, phase);
            count++;
            arena_count += entry->arena;
            raise(&census.retained_largest, entry->size);
            if (entry->arena)
                raise(&census.arena_largest, entry->size);
        }
        pthread_mutex_unlock(&shard->lock);
    }
    zk_tally_unlock();
    atomic_store(&census.retained_count, count);
    atomic_store(&census.arena_count, arena_count);
}

void zk_census_discard(uint32_t phase)
{
    for (size_t i = 0; i < shard_count; i++) {
        struct shard *shard = &census.shards[i];

        pthread_mutex_lock(&shard->lock);
        for (size_t at = 0; at < shard->room; at++)
            /* What moves up into its place is looked at next. */
            while (shard->entries[at].address != 0 && shard->entries[at].phase == phase)
                take_out(shard, &shard->entries[at]);
        pthread_mutex_unlock(&shard->lock);
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
        pthread_mutex_lock(&census.shards[i].lock);
        bytes += census.shards[i].room * sizeof(struct entry);
        pthread_mutex_unlock(&census.shards[i].lock);
    }
    return bytes;
}

uint64_t zk_census_lost(void)
{
    return atomic_load(&census.lost);
}

void zk_census_fork_prepare(void)
{
    for (size_t i = 0; i < shard_count; i++)
        pthread_mutex_lock(&census.shards[i].lock);
}

void zk_census_fork_parent(void)
{
    for (size_t i = 0; i < shard_count; i++)
        pthread_mutex_unlock(&census.shards[i].lock);
}

/* No begin was the child's. What its parent has counted, it does not count again. */
void zk_census_fork_child(void)
{
    atomic_store(&census.retained_count, 0);
    atomic_store(&census.retained_largest, 0);
    atomic_store(&census.arena_count, 0);
    atomic_store(&census.arena_largest, 0);
    atomic_store(&census.lost, 0);
    zk_census_fork_parent();
}
