/*
 * swiss_table.h - model of Rust's HashMap<u64, V>: an open-addressing table whose control bytes are
 * compared sixteen at a time.
 *
 * Faithful to hashbrown as in std of Rust 1.95, 64-bit x86: one block of buckets x entry bytes
 * (growing downwards), then buckets + 16 control bytes. Buckets are a power of two with at most 7/8
 * in use: 2192 bytes of u64 to u64 for capacity 100, 34832 for 1000, 139280 for 4096. A control
 * byte is 0xFF empty, 0x80 deleted, or the top 7 bits of the hash; groups of 16 are probed with a
 * triangular stride, and only a group with an EMPTY byte ends a lookup. clear() keeps the block.
 * Sizes, growth, and the behaviour of an overwritten table were compared with HashMap of Rust 1.95.
 *
 * Different from std: the hash is the finalizer of SplitMix64, the same in every run, where std has
 * SipHash with random keys; and groups have 16 bytes on aarch64 too, where std's have 8.
 *
 * The table does not store the size of a value: each call that needs it is given it, where std has
 * a monomorphised copy of the call. A table may be read by several threads at once, or used by one.
 */
#ifndef SWISS_TABLE_H
#define SWISS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SWISS_TABLE_GROUP = 16,     /* control bytes compared at once */
    SWISS_TABLE_EMPTY = 0xFF,   /* control byte: free, and a lookup may stop here */
    SWISS_TABLE_DELETED = 0x80, /* control byte: free, but a lookup must go on */
    SWISS_TABLE_KEY_BYTES = 8   /* an entry is a key and a value */
};

/* 32 bytes, as RawTable is. */
struct swiss_table {
    uint8_t *control;   /* in the block, after the entries; or a constant empty group */
    size_t bucket_mask; /* buckets - 1; 0 while there is no block */
    size_t growth_left; /* how many EMPTY bytes may still be filled */
    size_t items;
};

/* The state of an iteration. */
struct swiss_table_iterator {
    const uint8_t *control;    /* of the next group */
    const unsigned char *data; /* end of the entries of the group that matches describes */
    uint16_t matches;          /* entries of that group not yet seen, by bit */
    size_t remaining;          /* entries not yet seen */
};

/* ---- u64 to u64 ---- */

/* An empty table, without a block. */
void swiss_table_init(struct swiss_table *table);

/* An empty table with a block for at least capacity entries. -1 with ENOMEM, and then as
 * swiss_table_init. */
int swiss_table_init_with_capacity(struct swiss_table *table, size_t capacity);

/* Finds key, and stores its value in *value unless that is NULL. Does not return if the table has
 * items and no EMPTY byte. */
bool swiss_table_get(const struct swiss_table *table, uint64_t key, uint64_t *value);

/* Sets the value of key. May grow the table, or clear out its deleted entries in place. -1 with
 * ENOMEM (the real one aborts); the table is as before. Does not return when there is no EMPTY
 * byte. */
int swiss_table_insert(struct swiss_table *table, uint64_t key, uint64_t value);

/* Removes key, and stores the value that it had in *value unless that is NULL. False when there was
 * none. Does not return when there is no EMPTY byte. */
bool swiss_table_remove(struct swiss_table *table, uint64_t key, uint64_t *value);

/* The next entry, in no particular order; false after the last. Like the real one it counts the
 * entries down and does not check for the end of the table. Key and value may be NULL. */
bool swiss_table_next(struct swiss_table_iterator *iterator, uint64_t *key, uint64_t *value);

/* Frees the block; the table is then as swiss_table_init makes it. */
void swiss_table_deinit(struct swiss_table *table);

/* Bytes of the block that capacity asks for; 0 for 0. */
size_t swiss_table_block_bytes_for(size_t capacity);

/* ---- u64 to anything ---- */

int swiss_table_sized_init_with_capacity(struct swiss_table *table, size_t value_bytes,
                                         size_t capacity);

/* As swiss_table_get; the value of key, valid until the table changes, or NULL. */
void *swiss_table_sized_get(const struct swiss_table *table, size_t value_bytes, uint64_t key);

int swiss_table_sized_insert(struct swiss_table *table, size_t value_bytes, uint64_t key,
                             const void *value);
bool swiss_table_sized_remove(struct swiss_table *table, size_t value_bytes, uint64_t key,
                              void *value);

/* As swiss_table_next; *value points into the table. */
bool swiss_table_sized_next(struct swiss_table_iterator *iterator, size_t value_bytes,
                            uint64_t *key, const void **value);
void swiss_table_sized_deinit(struct swiss_table *table, size_t value_bytes);
size_t swiss_table_sized_block_bytes_for(size_t value_bytes, size_t capacity);

/* ---- Any values ---- */

/* Forgets all entries, and keeps the block. A table without items is not touched. */
void swiss_table_clear(struct swiss_table *table);

/* Entries. */
size_t swiss_table_length(const struct swiss_table *table);

/* Entries that fit before the block must be replaced. */
size_t swiss_table_capacity(const struct swiss_table *table);

/* Bytes of the block; 0 while there is none. */
size_t swiss_table_block_bytes(const struct swiss_table *table, size_t value_bytes);

/* Starts an iteration; the table must not change until its end. */
void swiss_table_iterate(const struct swiss_table *table, struct swiss_table_iterator *iterator);

/* The hash of a key. */
uint64_t swiss_table_hash(uint64_t key);

/* For tests: from now on compares groups in portable C, even on machines with SSE2. To be called
 * while no table is in use. */
void swiss_table_use_portable_groups(bool portable);

#endif
