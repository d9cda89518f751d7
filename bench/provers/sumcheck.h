/*
 * sumcheck.h - proofs that the product of three multilinear polynomials sums to a claimed value over the
 * hypercube, over the field of 2^61-1 elements.
 *
 * The polynomials are public: their values at the corners are given by sumcheck_value. So the verifier needs
 * no commitment: it evaluates them at the last point itself, in O(2^variables). Only the prover's
 * work matters here. A proof holds several instances, made one after the other in the same tables.
 * The soundness error of one instance is about 3 * variables / 2^61 for each challenge that a cheat
 * tries.
 */
#ifndef SUMCHECK_H
#define SUMCHECK_H

#include "checks.h"
#include "transcript.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SUMCHECK_FACTORS = 3,
    SUMCHECK_POINTS =
        SUMCHECK_FACTORS + 1, /* a round's polynomial is given by its values at 0, 1, 2, 3 */
    SUMCHECK_VARIABLES_MOST = 30
};

struct sumcheck_statement {
    uint64_t seed;
    unsigned variables; /* from 1 on */
    unsigned instances;
    unsigned left_out; /* checks that are not made (checks.h); 0 */
};

/* The value of a factor at a corner: bit k of corner is variable k. */
uint64_t sumcheck_value(const struct sumcheck_statement *statement, unsigned instance,
                        unsigned factor, uint64_t corner);

/* Bytes of a proof. For each instance: the claimed sum; for each variable, the highest first, the values of
 * the round's polynomial; the factors at the last point. Each an element of 8 bytes, the lowest first. */
size_t sumcheck_proof_bytes(const struct sumcheck_statement *statement);

/* Makes a proof. tables has room for SUMCHECK_FACTORS << variables elements, and is overwritten;
 * proof has room for sumcheck_proof_bytes. On all OpenMP threads. */
void sumcheck_prove(const struct sumcheck_statement *statement, uint64_t *tables, uint8_t *proof);

/* The context of WATCH_OPENED and, without factors, of WATCH_CLAIMED: a round that is about to be
 * sent. */
struct sumcheck_round {
    const struct transcript *transcript; /* as it is before */
    uint8_t *claim;                      /* the instance's, as it is written; NULL later on */
    uint64_t *sums;                      /* SUMCHECK_POINTS of them; or NULL */
    uint64_t *factors; /* SUMCHECK_FACTORS of them, after the last round; or NULL */
};

/* An element as it is written: 8 bytes, the lowest first. */
void sumcheck_put(uint8_t *bytes, uint64_t element);
uint64_t sumcheck_get(const uint8_t *bytes);

/* Draws a round's challenge; changes the transcript. */
uint64_t sumcheck_challenge(struct transcript *transcript);

/* Is every claimed sum the one that is computed by its definition, corner by corner? */
bool sumcheck_is_true(const struct sumcheck_statement *statement, const uint8_t *proof,
                      size_t bytes);

/* Does it prove its claims? It may be any bytes. On all OpenMP threads. */
bool sumcheck_verify(const struct sumcheck_statement *statement, const uint8_t *proof,
                     size_t bytes);

#endif
