/*
 * merkle.h - Merkle trees over the rows of a matrix. A leaf is the SHA3-256 of a row and a byte 0, an inner node
 * that of its two children and a byte 1.
 */
#ifndef MERKLE_H
#define MERKLE_H

#include "hash.h"

enum { MERKLE_HEIGHT_MOST = 40 };

/* The layers from the leaves to the root, each in a block. */
struct merkle {
    unsigned height; /* the leaves are 2^height */
    struct hash *layers[MERKLE_HEIGHT_MOST + 1];
};

/* Commits to 2^height rows of row_bytes bytes each; the rows are not kept. On all OpenMP threads. The tree is
 * freed by merkle_free. */
void merkle_commit(struct merkle *tree, const void *rows, size_t row_bytes, unsigned height);

void merkle_free(struct merkle *tree);

const struct hash *merkle_root(const struct merkle *tree);

/* The siblings on the path from leaf `index` up to the root: tree->height hashes. */
void merkle_open(const struct merkle *tree, size_t index, struct hash *path);

/* Is `row` the one at `index` < 2^height under that root? */
bool merkle_verify(const struct hash *root, unsigned height, size_t index, const void *row,
                   size_t row_bytes, const struct hash *path);

#endif
