/*
 * deep.h - the third and fourth step of a STARK's prover: the columns' values at a point outside of the coset, and
 * the quotients that show them to be right.
 */
#ifndef DEEP_H
#define DEEP_H

#include "extension.h"
#include "ntt.h"

/* values[column] = the column's polynomial at z. The matrix holds values on the coset of shift in bit-reversed
 * order, of which the first 2^log_rows rows are looked at: as many as the polynomials have coefficients.
 * denominators are block_denominators of z. On all OpenMP threads. */
void deep_evaluate(const struct ntt *ntt, const uint32_t *matrix, size_t columns, unsigned log_rows,
                   uint32_t shift, const struct extension *denominators, struct extension z,
                   struct extension *values);

/* One matrix of columns f, and what is known of them. */
struct deep_columns {
    const uint32_t *matrix; /* on the coset, in bit-reversed order */
    size_t count;
    const struct extension *values;       /* at z */
    const struct extension *denominators; /* 1 / (x - z) */
    const struct extension *powers;       /* the factor of each column */
};

/* The sum of factor * (f(x) - f(z)) / (x - z) over all columns of `count` matrices, at the 2^log_size points of
 * the coset, in a fresh block. On all OpenMP threads. The caller frees it. */
struct extension *deep_combine(const struct field31 *field, const struct deep_columns *matrices,
                               size_t count, unsigned log_size);

#endif
