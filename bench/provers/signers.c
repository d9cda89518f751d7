/*
 * signers.c - Merkle trees of Winternitz keys.
 */
#include "signers.h"

#include "workload.h"

#include <nettle/sha3.h>
#include <stdlib.h>
#include <string.h>

enum { purpose_node = 4 }; /* 1 to 3 are in winternitz.c */

/* The node of that signer's tree over two others; level 1 is above the leaves. Not told which of them it is:
 * its place follows from the path. */
static struct digest parent(uint32_t signer, unsigned level, const struct digest *left,
                            const struct digest *right)
{
    const uint32_t place[4] = {purpose_node, signer, level, 0};
    struct sha3_256_ctx sha3;
    struct digest digest;

    sha3_256_init(&sha3);
    sha3_256_update(&sha3, sizeof place, (const uint8_t *)place);
    sha3_256_update(&sha3, sizeof left->bytes, left->bytes);
    sha3_256_update(&sha3, sizeof right->bytes, right->bytes);
    sha3_256_digest(&sha3, sizeof digest.bytes, digest.bytes);
    return digest;
}

/* Any digest will do: nobody needs the text. */
struct digest signers_message(uint64_t seed, uint32_t epoch)
{
    uint64_t state = seed + epoch;
    struct digest message;

    for (size_t i = 0; i < sizeof message.bytes; i += sizeof state) {
        uint64_t word = workload_random(&state);

        memcpy(message.bytes + i, &word, sizeof word);
    }
    return message;
}

/* Replaces the nodes by their parents, and takes down the sibling of each leaf's ancestor. */
static void climb(struct signers *signers, uint32_t signer, unsigned level,
                  struct digest nodes[SIGNERS_EPOCHS])
{
    for (unsigned epoch = 0; epoch < SIGNERS_EPOCHS; epoch++)
        signers->signatures[signer][epoch].path[level] = nodes[epoch >> level ^ 1];
    for (unsigned i = 0; i < (unsigned)SIGNERS_EPOCHS >> (level + 1); i++)
        nodes[i] = parent(signer, level + 1, &nodes[2 * i], &nodes[2 * i + 1]);
}

static void create_one(struct signers *signers, uint32_t signer)
{
    struct winternitz_trace *states = workload_alloc(sizeof *states);
    struct digest nodes[SIGNERS_EPOCHS];

    for (uint32_t epoch = 0; epoch < SIGNERS_EPOCHS; epoch++) {
        struct winternitz_key key = {signer, epoch};
        struct digest message = signers_message(signers->seed, epoch);
        uint8_t digits[WINTERNITZ_CHAINS];

        winternitz_digits(&message, digits);
        winternitz_generate(signers->seed, key, states);
        winternitz_sign(states, digits, &signers->signatures[signer][epoch].one_time);
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
    signers->signatures = workload_alloc(count * sizeof *signers->signatures);
#pragma omp parallel for
    for (size_t signer = 0; signer < count; signer++)
        create_one(signers, (uint32_t)signer);
}

void signers_destroy(struct signers *signers)
{
    free(signers->signatures);
    free(signers->roots);
}

struct digest signers_root(uint32_t signer, uint32_t epoch, const struct digest *leaf,
                           const struct digest path[SIGNERS_TREE_HEIGHT])
{
    struct digest node = *leaf;

    for (unsigned level = 0; level < SIGNERS_TREE_HEIGHT; level++)
        node = epoch >> level & 1 ? parent(signer, level + 1, &path[level], &node)
                                  : parent(signer, level + 1, &node, &path[level]);
    return node;
}

bool signers_check(uint32_t signer, uint32_t epoch, const uint8_t digits[WINTERNITZ_CHAINS],
                   const struct signers_signature *signature, const struct digest *root,
                   struct winternitz_trace *trace)
{
    struct winternitz_key key = {signer, epoch};
    struct digest node;

    winternitz_follow(key, digits, &signature->one_time, trace);
    node = winternitz_public(key, trace);
    node = signers_root(signer, epoch, &node, signature->path);
    return memcmp(node.bytes, root->bytes, sizeof node.bytes) == 0;
}
