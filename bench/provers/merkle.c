/*
 * merkle.c - Merkle trees, hashed four nodes at a time.
 */
#include "merkle.h"

#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum tag { tag_leaf = 0, tag_node = 1 };

enum {
    tag_bytes = 1,
    serial_most = 256 /* for so few nodes, it is not worth waking the team */
};

/* Hashes `count` <= 4 consecutive messages. */
static void hash_some(const uint8_t *from, size_t bytes, enum tag tag, size_t count,
                      struct hash *to)
{
    const uint8_t *messages[HASH_LANES];
    struct hash hashes[HASH_LANES];

    for (size_t lane = 0; lane < HASH_LANES; lane++)
        messages[lane] = from + (lane < count ? lane : 0) * bytes;
    hash_four(messages, bytes, (uint8_t)tag, hashes);
    memcpy(to, hashes, count * sizeof *to);
}

/* to[i] is the hash of message i of `bytes` bytes each. A short layer does not use an `if` clause
 * of the pragma: libgomp would allocate a team of one for it, in the phase. */
static struct hash *hash_layer(const void *messages, size_t bytes, enum tag tag, size_t count)
{
    const uint8_t *from = messages;
    struct hash *to = workload_alloc(count * sizeof *to);

    watch_block(WATCH_MERKLE, to, count * sizeof *to);
    if (count <= serial_most) {
        for (size_t i = 0; i < count; i += HASH_LANES)
            hash_some(from + i * bytes, bytes, tag, count - i < HASH_LANES ? count - i : HASH_LANES,
                      to + i);
        return to;
    }
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i += HASH_LANES)
        hash_some(from + i * bytes, bytes, tag, HASH_LANES, to + i);
    return to;
}

void merkle_commit(struct merkle *tree, const void *rows, size_t row_bytes, unsigned height)
{
    *tree = (struct merkle){.height = height};
    tree->layers[0] = hash_layer(rows, row_bytes, tag_leaf, (size_t)1 << height);
    watch_moment(WATCH_HASHED, NULL);
    for (unsigned layer = 1; layer <= height; layer++) {
        tree->layers[layer] = hash_layer(tree->layers[layer - 1], 2 * sizeof(struct hash), tag_node,
                                         (size_t)1 << (height - layer));
        watch_moment(WATCH_HASHED, NULL);
    }
}

void merkle_free(struct merkle *tree)
{
    for (unsigned layer = 0; layer <= tree->height; layer++)
        free(tree->layers[layer]);
}

const struct hash *merkle_root(const struct merkle *tree)
{
    return &tree->layers[tree->height][0];
}

void merkle_open(const struct merkle *tree, size_t index, struct hash *path)
{
    for (unsigned layer = 0; layer < tree->height; layer++)
        path[layer] = tree->layers[layer][index >> layer ^ 1];
}

static struct hash node_of(const struct hash *left, const struct hash *right)
{
    uint8_t message[2 * HASH_BYTES + tag_bytes];

    memcpy(message, left, HASH_BYTES);
    memcpy(message + HASH_BYTES, right, HASH_BYTES);
    message[2 * HASH_BYTES] = tag_node;
    return hash_of(message, sizeof message);
}

static struct hash leaf_of(const void *row, size_t row_bytes)
{
    uint8_t *message = workload_alloc(row_bytes + tag_bytes);
    struct hash hash;

    memcpy(message, row, row_bytes);
    message[row_bytes] = tag_leaf;
    hash = hash_of(message, row_bytes + tag_bytes);
    free(message);
    return hash;
}

bool merkle_verify(const struct hash *root, unsigned height, size_t index, const void *row,
                   size_t row_bytes, const struct hash *path)
{
    struct hash hash = leaf_of(row, row_bytes);

    for (unsigned layer = 0; layer < height; layer++)
        hash =
            (index >> layer & 1) == 0 ? node_of(&hash, &path[layer]) : node_of(&path[layer], &hash);
    return hash_equal(&hash, root);
}
