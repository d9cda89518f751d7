/*
 * hash.h - SHA3-256 of one message, by nettle, and of four at once.
 */
#ifndef HASH_H
#define HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HASH_BYTES = 32, HASH_LANES = 4 };

struct hash {
    uint8_t bytes[HASH_BYTES];
};

struct hash hash_of(const void *message, size_t bytes);

/* The hashes of four messages of the same length, each followed by the byte `tag`. */
void hash_four(const uint8_t *const messages[HASH_LANES], size_t bytes, uint8_t tag,
               struct hash hashes[HASH_LANES]);

bool hash_equal(const struct hash *a, const struct hash *b);

#endif
