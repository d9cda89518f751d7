/*
 * masked_row.h - model of a prover with blinding: it commits to a secret row of field elements and
 * proves a linear statement about them, and the verifier learns nothing else.
 *
 * After Ligero's test of linear constraints (Ames, Hazay, Ishai, Venkitasubramaniam, CCS 2017) with
 * one row: a polynomial takes the witness as its values at the first points, and random values at
 * as many more points as there are queries; its values at other points are the leaves of a Merkle
 * tree. A second polynomial, of random values, masks it: the verifier sees only mask + challenge *
 * witness in the clear. Provers over FRI blind in the same two places (random rows of the trace,
 * and a random codeword added before folding).
 *
 * It proves that the prover knows a row w with sum over i of weight_i * w_i = claim. The field is
 * the integers modulo the prime 2^61 - 1. One row, 8 values and 8 queries are far too few for
 * soundness, which does not matter here.
 *
 * Pure functions. Any thread.
 */
#ifndef MASKED_ROW_H
#define MASKED_ROW_H

#include "chacha.h"

#include <stdbool.h>
#include <stdint.h>

#define MASKED_ROW_PRIME ((UINT64_C(1) << 61) - 1)

enum {
    MASKED_ROW_WITNESS = 8, /* values of the witness */
    MASKED_ROW_QUERIES = 8, /* places that the verifier opens */
    MASKED_ROW_VALUES = MASKED_ROW_WITNESS + MASKED_ROW_QUERIES, /* that determine a polynomial */
    MASKED_ROW_BLINDING = MASKED_ROW_QUERIES + MASKED_ROW_VALUES,
    MASKED_ROW_LOG_LEAVES = 6,
    MASKED_ROW_LEAVES = 1 << MASKED_ROW_LOG_LEAVES,
};

/* The public part. */
struct masked_row_statement {
    uint64_t weights[MASKED_ROW_WITNESS];
    uint64_t claim;
    uint64_t session; /* to which the proof is bound */
};

struct masked_row_opening {
    uint64_t witness; /* the two polynomials at that place */
    uint64_t mask;
    struct chacha_digest path[MASKED_ROW_LOG_LEAVES];
};

struct masked_row_proof {
    struct chacha_digest root;
    uint64_t mask_claim;                  /* the weighted sum of the mask */
    uint64_t combined[MASKED_ROW_VALUES]; /* mask + challenge * witness, at the first points */
    struct masked_row_opening openings[MASKED_ROW_QUERIES];
};

/* The claim that is true for a witness. */
uint64_t masked_row_sum(const uint64_t *weights, const uint64_t *witness);

/* blinding: random elements, not used in any other proof. */
void masked_row_prove(const struct masked_row_statement *statement,
                      const uint64_t witness[MASKED_ROW_WITNESS],
                      const uint64_t blinding[MASKED_ROW_BLINDING], struct masked_row_proof *proof);

bool masked_row_verify(const struct masked_row_statement *statement,
                       const struct masked_row_proof *proof);

/* Recovers the witness from two proofs with the same blinding; gives other numbers if their
 * blindings differ. */
void masked_row_witness_of(const struct masked_row_statement *one_statement,
                           const struct masked_row_proof *one,
                           const struct masked_row_statement *other_statement,
                           const struct masked_row_proof *other,
                           uint64_t witness[MASKED_ROW_WITNESS]);

#endif
