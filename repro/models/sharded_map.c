/*
 * sharded_map.c - dashmap: see sharded_map.h for what it is faithful to.
 *
 * A thread may read a shard's table while it is counted in the lock's word, and change it while it
 * has set all of the word's upper bits.
 */
#include "sharded_map.h"

#include "array_bytes.h"
#include "backoff.h"
#include "crates.h"
#include "power_of_two.h"
#include "swiss_table.h"
#include "zkalloc.h"

#include <stdatomic.h>
#include <stddef.h>

/* dashmap 5.4.0: RwLock<HashMap>; in 6 only the map has the hasher, and the rest is padding. */
struct shard {
    _Atomic uint64_t lock;
    struct swiss_table table;
    uint64_t hasher_keys[2];
};

enum { shard_5_bytes = 56, shard_6_bytes = 128 };

_Static_assert(offsetof(struct shard, lock) == 0, "RwLock: the raw lock, then the data");
_Static_assert(sizeof(struct shard) == shard_5_bytes, "as RwLock<HashMap<K, V, RandomState>>");

static const uint64_t one_reader = 4;
static const uint64_t one_writer = ~(uint64_t)3;

static void lock_exclusive(struct shard *shard)
{
    uint64_t free = 0;
    unsigned tries = 0;

    /* The real one spins, sets the flag of parked writers, and parks. */
    while (!atomic_compare_exchange_strong(&shard->lock, &free, one_writer)) {
        free = 0;
        backoff(&tries);
    }
}

static void unlock_exclusive(struct shard *shard)
{
    atomic_store(&shard->lock, 0);
}

static void lock_shared(struct shard *shard)
{
    unsigned tries = 0;

    for (;;) {
        uint64_t state = atomic_load(&shard->lock);
        uint64_t counted;

        if (!__builtin_add_overflow(state, one_reader, &counted) &&
            (counted & one_writer) != one_writer &&
            atomic_compare_exchange_strong(&shard->lock, &state, counted))
            return;
        backoff(&tries);
    }
}

static void unlock_shared(struct shard *shard)
{
    atomic_fetch_sub(&shard->lock, one_reader);
}

size_t sharded_map_default_shards(size_t processors)
{
    return power_of_two_at_least(4 * processors);
}

static struct shard *shard_at(const struct sharded_map *map, size_t index)
{
    return (struct shard *)(void *)((unsigned char *)map->shards + index * map->shard_bytes);
}

int sharded_map_init(struct sharded_map *map, size_t shard_count)
{
    bool padded = crates_chosen() == CRATES_2026;
    size_t shard_bytes = padded ? shard_6_bytes : shard_5_bytes;
    size_t bytes;

    if (!array_bytes(shard_count, shard_bytes, &bytes))
        return -1;
    *map = (struct sharded_map){.shards = padded ? zk_aligned_alloc(shard_6_bytes, bytes)
                                                 : zk_malloc(bytes),
                                .shard_count = shard_count,
                                .shard_bytes = shard_bytes,
                                .shift = 64 - (unsigned)__builtin_ctzl(shard_count)};
    if (map->shards == NULL)
        return -1;
    for (size_t i = 0; i < shard_count; i++) {
        struct shard *shard = shard_at(map, i);

        atomic_init(&shard->lock, 0);
        swiss_table_init(&shard->table);
        if (!padded)
            shard->hasher_keys[0] = shard->hasher_keys[1] = 0;
    }
    return 0;
}

void sharded_map_deinit(struct sharded_map *map)
{
    for (size_t i = 0; i < map->shard_count; i++)
        swiss_table_deinit(&shard_at(map, i)->table);
    zk_free(map->shards);
    map->shards = NULL;
    map->shard_count = 0;
}

size_t sharded_map_shard_of(const struct sharded_map *map, uint64_t key)
{
    /* The shard's table uses the top 7 bits of the hash, so the next lower ones choose the
     * shard. */
    return swiss_table_hash(key) << 7 >> map->shift;
}

int sharded_map_insert(struct sharded_map *map, uint64_t key, uint64_t value)
{
    struct shard *shard = shard_at(map, sharded_map_shard_of(map, key));
    int error;

    lock_exclusive(shard);
    error = swiss_table_insert(&shard->table, key, value);
    unlock_exclusive(shard);
    return error;
}

bool sharded_map_get(struct sharded_map *map, uint64_t key, uint64_t *value)
{
    struct shard *shard = shard_at(map, sharded_map_shard_of(map, key));
    bool found;

    lock_shared(shard);
    found = swiss_table_get(&shard->table, key, value);
    unlock_shared(shard);
    return found;
}

bool sharded_map_remove(struct sharded_map *map, uint64_t key)
{
    struct shard *shard = shard_at(map, sharded_map_shard_of(map, key));
    bool found;

    lock_exclusive(shard);
    found = swiss_table_remove(&shard->table, key, NULL);
    unlock_exclusive(shard);
    return found;
}
