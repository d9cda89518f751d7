/*
 * quotient.h - the second step of a STARK's prover: combines all constraints into one polynomial,
 * divided by the polynomials of which they must be multiples.
 */
#ifndef QUOTIENT_H
#define QUOTIENT_H

#include "stark.h"

/* The quotient's values on the coset with 2^air_log_chunks points for each row of the trace, in natural order,
 * in a fresh block: rows of the four coordinates. `extended` is the trace on the whole coset. On all OpenMP
 * threads. The caller frees it. */
uint32_t *quotient_values(const struct stark *stark, const uint32_t *extended,
                          const uint32_t *inputs, struct extension challenge);

#endif
