/*
 * btree_map.h - model of Rust's BTreeMap<usize, V> with values of 40 bytes: a B-tree with nodes of
 * two sizes, each node in a block of its own.
 *
 * Faithful to alloc::collections::btree of Rust (1.63 and 1.95: node.rs, map.rs, remove.rs, fix.rs)
 * in its nodes and in when they are allocated and freed, 64-bit:
 *   leaf       up to 11 entries: 11 keys of 8 bytes, 11 values, the parent, where in it the leaf
 *              is, and how many entries: 544 bytes
 *   internal   a leaf and 12 edges: 640 bytes
 * The first entry makes a leaf; the 12th finds it full and splits it, which makes a second leaf and
 * an internal node above both. After a removal every node but the root has at least 5 entries: it
 * takes one from a sibling or merges with it, and the node that is left over is freed. An empty map
 * keeps a leaf. 544 and 640 are what std's table of threads was seen to allocate (1.95;
 * thread_infos.h).
 *
 * Nothing is checked that the real one does not check: a node's length and edges are used as they
 * are found.
 *
 * A map is used by one thread at a time.
 */
#ifndef BTREE_MAP_H
#define BTREE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BTREE_LEAF_BYTES = 544,
    BTREE_INTERNAL_BYTES = 640,
    BTREE_CAPACITY = 11,   /* entries of a node */
    BTREE_LENGTH_LEAST = 5 /* entries of any node but the root, at least */
};

struct btree_value {
    uint64_t words[5];
};

/* 24 bytes, as BTreeMap is; all zeros is an empty map. */
struct btree_map {
    struct btree_node *root; /* NULL until the first entry */
    size_t height;           /* of the root: 0 for a leaf */
    size_t length;           /* entries */
};

/* Sets the value of key. -1 with ENOMEM (the real one aborts): the map is then not to be used. */
int btree_insert(struct btree_map *map, uint64_t key, const struct btree_value *value);

/* The value of key, valid until the map changes, or NULL. */
struct btree_value *btree_get(const struct btree_map *map, uint64_t key);

/* Removes key; false when it is not there. */
bool btree_remove(struct btree_map *map, uint64_t key);

/* Frees all nodes; the map is then empty. */
void btree_deinit(struct btree_map *map);

/* For tests: are the entries in order, each node as full as it must be, and each child's link to
 * its parent right? */
bool btree_is_sound(const struct btree_map *map);

#endif
