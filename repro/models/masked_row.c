/*
 * masked_row.c - Ligero's linear test, with one row: see masked_row.h.
 *
 * A polynomial is given by its values at the points 0 ... VALUES - 1. The leaves are its values at
 * the points after those, so that no leaf is a value of the witness.
 */
#include "masked_row.h"

#include "modular.h"

#include <string.h>

struct tree {
    struct chacha_digest
        nodes[2 * MASKED_ROW_LEAVES]; /* the root is nodes[1]; the second half are the leaves */
};

/* ---- Polynomials ---- */

static uint64_t subtract(uint64_t a, uint64_t b)
{
    return mod_subtract(a, b, MASKED_ROW_PRIME);
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return mod_multiply(a, b, MASKED_ROW_PRIME);
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return mod_add(a, b, MASKED_ROW_PRIME);
}

/* The value at x of the polynomial, by Lagrange. */
static uint64_t evaluate(const uint64_t values[MASKED_ROW_VALUES], uint64_t x)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < MASKED_ROW_VALUES; i++) {
        uint64_t above = values[i];
        uint64_t below = 1;

        for (uint64_t j = 0; j < MASKED_ROW_VALUES; j++) {
            if (j == i)
                continue;
            above = multiply(above, subtract(x, j));
            below = multiply(below, subtract(i, j));
        }
        sum = add(sum, multiply(above, mod_inverse(below, MASKED_ROW_PRIME)));
    }
    return sum;
}

static uint64_t leaf_point(size_t leaf)
{
    return MASKED_ROW_VALUES + leaf;
}

uint64_t masked_row_sum(const uint64_t *weights, const uint64_t *witness)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < MASKED_ROW_WITNESS; i++)
        sum = add(sum, multiply(weights[i], witness[i]));
    return sum;
}

/* ---- The tree ---- */

static struct chacha_digest hash_leaf(uint64_t witness, uint64_t mask)
{
    const uint64_t words[] = {witness, mask};

    return chacha_hash(words, 2);
}

static struct chacha_digest hash_pair(struct chacha_digest left, struct chacha_digest right)
{
    uint64_t words[8];

    memcpy(words, &left, sizeof left);
    memcpy(words + 4, &right, sizeof right);
    return chacha_hash(words, 8);
}

static void open_leaf(const struct tree *tree, size_t leaf, struct masked_row_opening *opening)
{
    size_t node = MASKED_ROW_LEAVES + leaf;

    for (size_t i = 0; i < MASKED_ROW_LOG_LEAVES; i++, node /= 2)
        opening->path[i] = tree->nodes[node ^ 1];
}

static bool is_in_tree(const struct chacha_digest *root, size_t leaf,
                       const struct masked_row_opening *opening)
{
    struct chacha_digest digest = hash_leaf(opening->witness, opening->mask);
    size_t node = MASKED_ROW_LEAVES + leaf;

    for (size_t i = 0; i < MASKED_ROW_LOG_LEAVES; i++, node /= 2)
        digest = node % 2 == 0 ? hash_pair(digest, opening->path[i])
                               : hash_pair(opening->path[i], digest);
    return memcmp(&digest, root, sizeof digest) == 0;
}

/* ---- The transcript ---- */

static uint64_t challenge_of(const struct masked_row_statement *statement,
                             const struct masked_row_proof *proof)
{
    uint64_t words[MASKED_ROW_WITNESS + 7];
    struct chacha_digest digest;

    memcpy(words, statement->weights, sizeof statement->weights);
    words[MASKED_ROW_WITNESS] = statement->claim;
    words[MASKED_ROW_WITNESS + 1] = statement->session;
    memcpy(words + MASKED_ROW_WITNESS + 2, &proof->root, sizeof proof->root);
    words[MASKED_ROW_WITNESS + 6] = proof->mask_claim;
    digest = chacha_hash(words, sizeof words / sizeof *words);
    return mod_reduce(digest.words[0], digest.words[1], MASKED_ROW_PRIME);
}

/* The leaf that query number q opens. */
static size_t query_of(uint64_t challenge, const struct masked_row_proof *proof, uint64_t q)
{
    uint64_t words[MASKED_ROW_VALUES + 2];

    memcpy(words, proof->combined, sizeof proof->combined);
    words[MASKED_ROW_VALUES] = challenge;
    words[MASKED_ROW_VALUES + 1] = q;
    return chacha_hash(words, sizeof words / sizeof *words).words[0] % MASKED_ROW_LEAVES;
}

/* ---- The protocol ---- */

/* Computes the two polynomials' values at all leaves, and the tree over them. */
static void commit(const uint64_t *row, const uint64_t *mask,
                   struct masked_row_opening leaves[MASKED_ROW_LEAVES], struct tree *tree)
{
    for (size_t i = 0; i < MASKED_ROW_LEAVES; i++) {
        leaves[i].witness = evaluate(row, leaf_point(i));
        leaves[i].mask = evaluate(mask, leaf_point(i));
        tree->nodes[MASKED_ROW_LEAVES + i] = hash_leaf(leaves[i].witness, leaves[i].mask);
    }
    for (size_t i = MASKED_ROW_LEAVES - 1; i > 0; i--)
        tree->nodes[i] = hash_pair(tree->nodes[2 * i], tree->nodes[2 * i + 1]);
}

void masked_row_prove(const struct masked_row_statement *statement,
                      const uint64_t witness[MASKED_ROW_WITNESS],
                      const uint64_t blinding[MASKED_ROW_BLINDING], struct masked_row_proof *proof)
{
    const uint64_t *mask = blinding + MASKED_ROW_QUERIES;
    uint64_t row[MASKED_ROW_VALUES];
    struct masked_row_opening leaves[MASKED_ROW_LEAVES];
    struct tree tree;
    uint64_t challenge;

    memcpy(row, witness, MASKED_ROW_WITNESS * sizeof *row);
    memcpy(row + MASKED_ROW_WITNESS, blinding, MASKED_ROW_QUERIES * sizeof *row);
    commit(row, mask, leaves, &tree);
    proof->root = tree.nodes[1];
    proof->mask_claim = masked_row_sum(statement->weights, mask);
    challenge = challenge_of(statement, proof);
    for (size_t i = 0; i < MASKED_ROW_VALUES; i++)
        proof->combined[i] = add(mask[i], multiply(challenge, row[i]));
    for (size_t q = 0; q < MASKED_ROW_QUERIES; q++) {
        size_t leaf = query_of(challenge, proof, q);

        proof->openings[q] = leaves[leaf];
        open_leaf(&tree, leaf, &proof->openings[q]);
    }
}

/* Do the values opened at this leaf give the combined polynomial that was sent? */
static bool agrees(const struct masked_row_proof *proof, uint64_t challenge, size_t leaf,
                   const struct masked_row_opening *opening)
{
    return is_in_tree(&proof->root, leaf, opening) &&
           evaluate(proof->combined, leaf_point(leaf)) ==
               add(opening->mask, multiply(challenge, opening->witness));
}

bool masked_row_verify(const struct masked_row_statement *statement,
                       const struct masked_row_proof *proof)
{
    uint64_t challenge = challenge_of(statement, proof);

    for (size_t i = 0; i < MASKED_ROW_VALUES; i++)
        if (proof->combined[i] >= MASKED_ROW_PRIME)
            return false;
    if (masked_row_sum(statement->weights, proof->combined) !=
        add(proof->mask_claim, multiply(challenge, statement->claim)))
        return false;
    for (size_t q = 0; q < MASKED_ROW_QUERIES; q++)
        if (!agrees(proof, challenge, query_of(challenge, proof, q), &proof->openings[q]))
            return false;
    return true;
}

void masked_row_witness_of(const struct masked_row_statement *one_statement,
                           const struct masked_row_proof *one,
                           const struct masked_row_statement *other_statement,
                           const struct masked_row_proof *other,
                           uint64_t witness[MASKED_ROW_WITNESS])
{
    uint64_t challenges =
        subtract(challenge_of(one_statement, one), challenge_of(other_statement, other));
    uint64_t inverse = mod_inverse(challenges, MASKED_ROW_PRIME);

    for (size_t i = 0; i < MASKED_ROW_WITNESS; i++)
        witness[i] = multiply(subtract(one->combined[i], other->combined[i]), inverse);
}
