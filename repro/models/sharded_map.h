/*
 * sharded_map.h - model of a concurrent map: a table cut into shards, each behind a lock of its
 * own.
 *
 * Faithful to dashmap, 64-bit, 6 (of 2026) and 5.4.0 (Debian 12; crates.h), in sizes, in which shard
 * a key is in, and in what a lock's word means:
 *   shards   one block, made with the map: 4 x processors, rounded up to a power of two
 *            (default_shard_amount), each 128 bytes, aligned to 128, in 6 (CachePadded<RwLock<
 *            HashMap>>: 8 of lock, 32 of table, padding); 56, aligned to 8, in 5.4.0 (lock, table and
 *            16 of hasher; measured). In 6 that is 4096 bytes for 8 processors
 *   tables   one for each shard, made at its first insert: a swiss table (swiss_table.h)
 * The lock is dashmap's own (lock.rs: RawRwLock, the same in both): readers count by 4, a writer is
 * all ones but for the lowest two bits, which say that readers or writers are parked.
 *
 * Not modelled: parking. Waiting is looking again (backoff.h; parking_lot.h has the table of parked
 * threads). The hash is the swiss table model's, the same in every run.
 *
 * A map may be used by any number of threads.
 */
#ifndef SHARDED_MAP_H
#define SHARDED_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sharded_map {
    struct shard *shards;
    size_t shard_count; /* a power of two; kept with the pointer in Rust */
    size_t shard_bytes;
    unsigned shift; /* of a hash, which leaves the number of its shard */
};

/* Shards of a map on a machine with so many processors. */
size_t sharded_map_default_shards(size_t processors);

/* An empty map of shard_count shards, a power of two above 1, as in the crates chosen. -1 with
 * ENOMEM. */
int sharded_map_init(struct sharded_map *map, size_t shard_count);

/* Frees shards and tables. No other thread may use the map any more. */
void sharded_map_deinit(struct sharded_map *map);

/* Sets the value of key. -1 with ENOMEM, and nothing has changed. Waits while another thread holds
 * the key's shard. */
int sharded_map_insert(struct sharded_map *map, uint64_t key, uint64_t value);

/* Finds key, and stores its value in *value. Waits while another thread writes to the key's
 * shard. */
bool sharded_map_get(struct sharded_map *map, uint64_t key, uint64_t *value);

/* Removes key; false when it was not there. Waits as sharded_map_insert. */
bool sharded_map_remove(struct sharded_map *map, uint64_t key);

/* Number of the shard that a key is in. */
size_t sharded_map_shard_of(const struct sharded_map *map, uint64_t key);

#endif
