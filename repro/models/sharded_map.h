/*
 * sharded_map.h - model of a concurrent map: a table divided into shards, each with a lock of its
 * own.
 *
 * Faithful to dashmap, 64-bit, 6 (of 2026) and 5.4.0 (Debian 12; crates.h), in its sizes, in which
 * shard a key goes to, and in the meaning of a lock's word:
 *   shards   one block, allocated with the map: 4 x processors, rounded up to a power of two
 *            (default_shard_amount), each 128 bytes, aligned to 128, in 6 (CachePadded<RwLock<
 *            HashMap>>: 8 of lock, 32 of table, padding); 56, aligned to 8, in 5.4.0 (lock, table
 *            and 16 of hasher; measured). In 6 that is 4096 bytes for 8 processors
 *   tables   one for each shard, made at its first insert: a swiss table (swiss_table.h)
 * The lock is dashmap's own (lock.rs: RawRwLock, the same in both): each reader adds 4, a writer
 * sets all bits but the lowest two, which say that readers or writers are parked.
 *
 * Not modelled: parking. Here, a thread waits by polling (backoff.h; parking_lot.h models the table
 * of parked threads). The hash is the swiss_table model's, the same in every run.
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
    unsigned shift; /* of a hash: what is left is the shard's number */
};

/* The number of shards that a map has on a machine with so many processors. */
size_t sharded_map_default_shards(size_t processors);

/* An empty map of shard_count shards, a power of two above 1, laid out as in the chosen crates. -1
 * with ENOMEM. */
int sharded_map_init(struct sharded_map *map, size_t shard_count);

/* Frees shards and tables. No other thread may use the map any more. */
void sharded_map_deinit(struct sharded_map *map);

/* Sets the value of key. -1 with ENOMEM, and the map is as before. Waits while another thread holds
 * the key's shard. */
int sharded_map_insert(struct sharded_map *map, uint64_t key, uint64_t value);

/* Finds key, and stores its value in *value. Waits while another thread writes to the key's
 * shard. */
bool sharded_map_get(struct sharded_map *map, uint64_t key, uint64_t *value);

/* Removes key; false if it was not there. Waits as sharded_map_insert does. */
bool sharded_map_remove(struct sharded_map *map, uint64_t key);

/* The number of the shard that a key goes to. */
size_t sharded_map_shard_of(const struct sharded_map *map, uint64_t key);

#endif
