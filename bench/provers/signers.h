/*
 * signers.h - signers with a Merkle tree of one-time keys each, as in XMSS: key `epoch` signs the
 * message of that epoch, and the root of the tree is the signer's public key.
 */
#ifndef SIGNERS_H
#define SIGNERS_H

#include "winternitz.h"

#include <stdbool.h>
#include <stddef.h>

enum { SIGNERS_TREE_HEIGHT = 2, SIGNERS_EPOCHS = 1 << SIGNERS_TREE_HEIGHT };

/* One signer's signature of an epoch's message. */
struct signers_signature {
    struct winternitz_signature one_time;
    struct hash path[SIGNERS_TREE_HEIGHT]; /* from the leaf's sibling upwards */
};

/* Public keys and signatures, by signer. */
struct signers {
    size_t count;
    uint64_t seed;
    struct hash *roots;
    struct signers_signature *signatures[SIGNERS_EPOCHS];
};

/* The message that all sign in an epoch. */
struct hash signers_message(uint64_t seed, uint32_t epoch);

/* Generates all keys from the seed and signs all messages, on all OpenMP threads. */
void signers_create(struct signers *signers, size_t count, uint64_t seed);

void signers_destroy(struct signers *signers);

/* The root that a leaf and its path lead to. */
struct hash signers_root(uint32_t signer, uint32_t epoch, const struct hash *leaf,
                         const struct hash path[SIGNERS_TREE_HEIGHT]);

/* Is it that signer's signature of the epoch's message, whose digits are given? The trace gets
 * everything that was hashed in its chains, whatever the answer. */
bool signers_check(uint32_t signer, uint32_t epoch, const uint8_t digits[WINTERNITZ_CHAINS],
                   const struct signers_signature *signature, const struct hash *root,
                   struct winternitz_trace *trace);

#endif
