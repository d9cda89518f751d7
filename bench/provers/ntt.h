/*
 * ntt.h - from the coefficients of polynomials to their values on a coset of roots of unity, and back.
 *
 * A matrix holds one polynomial per column, row by row. Coefficients and input values are in
 * natural order. Output values are in bit-reversed order, as the folding of FRI needs them: the
 * values at x and at -x are neighbours, and the first half of the rows is the coset of half the
 * size.
 *
 * All functions use all OpenMP threads; results do not depend on their number.
 */
#ifndef NTT_H
#define NTT_H

#include "field31.h"

#include <stddef.h>

/* Tables, computed once. */
struct ntt {
    const struct field31 *field;
    unsigned log_size_most;
    uint32_t *roots;          /* [half + k]: root of order 2 half, to the power k < half */
    uint32_t *inverse_roots;  /* their inverses */
    uint32_t *points;         /* [k]: row k's root of unity, in bit-reversed order, for all sizes */
    uint32_t *inverse_points; /* their inverses */
};

/* For up to 2^log_size_most rows, 1 <= log_size_most <= the field's two-adicity. The tables belong
 * to the process, not to a phase. */
void ntt_set_up(struct ntt *ntt, const struct field31 *field, unsigned log_size_most);

void ntt_tear_down(struct ntt *ntt);

/* The bits of index, the lowest `bits` of them, in reverse order. 0 for bits 0. */
static inline size_t ntt_reverse(size_t index, unsigned bits)
{
    uint64_t word = index;

    if (bits == 0)
        return 0;
    word = (word & 0x5555555555555555) << 1 | (word >> 1 & 0x5555555555555555);
    word = (word & 0x3333333333333333) << 2 | (word >> 2 & 0x3333333333333333);
    word = (word & 0x0f0f0f0f0f0f0f0f) << 4 | (word >> 4 & 0x0f0f0f0f0f0f0f0f);
    return (size_t)(__builtin_bswap64(word) >> (64 - bits));
}

/* In place: the coefficients become the values at the roots of unity, in bit-reversed order. */
void ntt_forward(const struct ntt *ntt, uint32_t *matrix, unsigned log_rows, size_t columns);

/* Coefficients, in a fresh matrix, from the values at shift * root^row. The caller frees them. */
uint32_t *ntt_interpolate(const struct ntt *ntt, const uint32_t *values, unsigned log_rows,
                          size_t columns, uint32_t shift);

/* Values on the coset of shift with 2^(log_rows + log_blowup) points, in a fresh matrix: row k is at
 * shift * points[k]. The caller frees them. */
uint32_t *ntt_evaluate(const struct ntt *ntt, const uint32_t *coefficients, unsigned log_rows,
                       size_t columns, uint32_t shift, unsigned log_blowup);

#endif
