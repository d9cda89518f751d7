/*
 * hashsig_protocol.h - what prover and verifier of the aggregation agree on.
 *
 * Place p of the committed matrix is the point generator * root^reverse(p). The first quarter of
 * the places are the rows of the table itself, in order, since in bit-reversed order a coset begins
 * with the coset of a quarter of its size. So the 64 rows of a signer are the leaves of one
 * subtree, and the verifier, who can recompute them from the signature, needs only the path from
 * there upwards.
 *
 * A proof: the root of the matrix, what FRI commits to, for each query the row, its path and FRI's
 * opening, and for each queried signer the signature, its path, and the path of the subtree.
 */
#ifndef HASHSIG_PROTOCOL_H
#define HASHSIG_PROTOCOL_H

#include "fri.h"
#include "hashsig.h"

enum {
    HASHSIG_LOG_CHAINS = 6,
    HASHSIG_LIMBS = 16, /* of 16 bits, of a state: the lowest first */
    HASHSIG_COLUMNS = WINTERNITZ_STATES * HASHSIG_LIMBS,
    HASHSIG_LOG_BLOWUP = 2,
    HASHSIG_SIGNERS_ASKED = 16, /* or all, if there are fewer */
};

static inline struct fri_parameters hashsig_fri(const struct hashsig_statement *statement)
{
    const struct fri_parameters usual = {
        .log_blowup = HASHSIG_LOG_BLOWUP, .queries = 40, .grinding_bits = 8};

    return fri_weakened(usual, &statement->weakening);
}

static inline unsigned hashsig_log_rows(unsigned log_signers)
{
    return log_signers + HASHSIG_LOG_CHAINS;
}

static inline unsigned hashsig_log_points(unsigned log_signers)
{
    return hashsig_log_rows(log_signers) + HASHSIG_LOG_BLOWUP;
}

/* How many signers are queried, and which one is the i-th: all in order, if there are no more than
 * HASHSIG_SIGNERS_ASKED; otherwise those that the transcript draws. */
unsigned hashsig_asked(const struct hashsig_statement *statement);
size_t hashsig_signer(const struct hashsig_statement *statement, struct transcript *transcript,
                      unsigned i);

/* A transcript that has absorbed the statement and the matrix's root. */
struct transcript hashsig_start(const struct hashsig_statement *statement, const struct hash *root);

/* Powers of the challenge that combines all columns into one word. */
void hashsig_combination(struct transcript *transcript, struct extension powers[HASHSIG_COLUMNS]);

/* The letter of that word at a row. */
struct extension hashsig_combine(const uint32_t row[HASHSIG_COLUMNS],
                                 const struct extension powers[HASHSIG_COLUMNS]);

/* A state as elements: its part of a row of the table. */
void hashsig_limbs(const struct hash *state, uint32_t limbs[HASHSIG_LIMBS]);

#endif
