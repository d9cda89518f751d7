/*
 * signers.c - Merkle trees of Winternitz keys.
 */
#include "signers.h"

#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum { purpose_node = 4 }; /* 1 to 3 are in winternitz.c */

/* The node of that signer's tree over two others; level 1 is above the leaves. The node's index in
 * its level is not hashed: its place follows from the path. */
static struct hash parent(uint32_t signer, unsigned level, const struct hash *left,
                          const struct hash *right)
{
    struct {
        uint32_t place[4];
        struct hash children[2];
    } message = {{purpose_node, signer, level, 0}, {*left, *right}};

    return hash_of(&message, sizeof message);
}

/* Any digest will do, since nobody needs the text. */
struct hash signers_message(uint64_t seed, uint32_t epoch)
{
    uint64_t state = seed + epoch;
    struct hash message = {{0}};

    for (size_t i = 0; i < sizeof message.bytes; i += sizeof state) {
        uint64_t word = workload_random(&state);

        memcpy(message.bytes + i, &word, sizeof word);
    }
    return message;
}

/* Replaces the nodes with their parents, and records the sibling of each leaf's ancestor. */
static void climb(struct signers *signers, uint32_t signer, unsigned level,
                  struct hash nodes[SIGNERS_EPOCHS])
{
    for (unsigned epoch = 0; epoch < SIGNERS_EPOCHS; epoch++)
        signers->signatures[epoch][signer].path[level] = nodes[epoch >> level ^ 1];
    for (unsigned i = 0; i < (unsigned)SIGNERS_EPOCHS >> (level + 1); i++)
        nodes[i] = parent(signer, level + 1, &nodes[2 * i], &nodes[2 * i + 1]);
}

static void create_one(struct signers *signers, uint32_t signer)
{
    struct winternitz_trace *states = workload_alloc(sizeof *states);
    struct hash nodes[SIGNERS_EPOCHS];

    for (uint32_t epoch = 0; epoch < SIGNERS_EPOCHS; epoch++) {
        struct winternitz_key key = {signer, epoch};
        struct hash message = signers_message(signers->seed, epoch);
        uint8_t digits[WINTERNITZ_CHAINS];

        winternitz_digits(&message, digits);
        winternitz_generate(signers->seed, key, states);
        winternitz_sign(states, digits, &signers->signatures[epoch][signer].one_time);
        nodes[epoch] = winternitz_public(key, states);
    }
    for (unsigned level = 0; level < SIGNERS_TREE_HEIGHT; level++)
        climb(signers, signer, level, nodes);
    signers->roots[signer] = nodes[0];
    free(states);
}

void signers_create(struct signers *signers, size_t count, uint64_t seed)
{
    *signers = (struct signers){.count = count, .seed = seed};
    signers->roots = workload_alloc(count * sizeof *signers->roots);
    for (unsigned epoch = 0; epoch < SIGNERS_EPOCHS; epoch++)
        signers->signatures[epoch] = workload_alloc(count * sizeof *signers->signatures[epoch]);
#pragma omp parallel for
    for (size_t signer = 0; signer < count; signer++)
        create_one(signers, (uint32_t)signer);
}

void signers_destroy(struct signers *signers)
{
    for (unsigned epoch = 0; epoch < SIGNERS_EPOCHS; epoch++)
        free(signers->signatures[epoch]);
    free(signers->roots);
}

struct hash signers_root(uint32_t signer, uint32_t epoch, const struct hash *leaf,
                         const struct hash path[SIGNERS_TREE_HEIGHT])
{
    struct hash node = *leaf;

    for (unsigned level = 0; level < SIGNERS_TREE_HEIGHT; level++)
        node = epoch >> level & 1 ? parent(signer, level + 1, &path[level], &node)
                                  : parent(signer, level + 1, &node, &path[level]);
    return node;
}

bool signers_check(uint32_t signer, uint32_t epoch, const uint8_t digits[WINTERNITZ_CHAINS],
                   const struct signers_signature *signature, const struct hash *root,
                   struct winternitz_trace *trace)
{
    struct winternitz_key key = {signer, epoch};
    struct hash node;

    winternitz_follow(key, digits, &signature->one_time, trace);
    node = winternitz_public(key, trace);
    node = signers_root(signer, epoch, &node, signature->path);
    return hash_equal(&node, root);
}
