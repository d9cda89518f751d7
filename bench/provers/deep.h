/*
 * deep.h - the third and fourth step of a STARK's prover: the columns' values at a point outside of the coset, and
 * the quotients that show them to be right.
 */
#ifndef DEEP_H
#define DEEP_H

#include "extension.h"
#include "ntt.h"

enum { DEEP_POINTS = 2 }; /* z, and the one of the row after it */

/* values[column] = the column's polynomial at z. The matrix has values on the coset of shift in
 * bit-reversed order; the first 2^log_rows rows are used: as many as the polynomials have
 * coefficients. denominators are block_denominators of z. On all OpenMP threads. */
void deep_evaluate(const struct ntt *ntt, const uint32_t *matrix, size_t columns, unsigned log_rows,
                   uint32_t shift, const struct extension *denominators, struct extension z,
                   struct extension *values);

/* One matrix of columns f, and their values at one point or two. */
struct deep_columns {
    const uint32_t *matrix; /* on the coset, in bit-reversed order */
    size_t count;
    size_t points;
    const struct extension *values[DEEP_POINTS];       /* at each point z */
    const struct extension *denominators[DEEP_POINTS]; /* 1 / (x - z) */
    struct extension factor[DEEP_POINTS]; /* of each point; each column also has a power */
};

/* The sum of factor * challenge^column * (f(x) - f(z)) / (x - z) over all columns and points of `count` matrices,
 * at the 2^log_size points x of the coset, in a fresh block. On all OpenMP threads. The caller frees it. */
struct extension *deep_combine(const struct field31 *field, const struct deep_columns *matrices,
                               size_t count, struct extension challenge, unsigned log_size);

#endif
