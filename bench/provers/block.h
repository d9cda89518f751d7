/*
 * block.h - up to 256 rows of a matrix at a time, turned into planes: one run of elements for each
 * column, as vector code needs them. Planes are in a thread's scratch memory.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "extension.h"
#include "ntt.h"

#include <stddef.h>

enum { BLOCK_ROWS = 256 };

/* Sets planes[column * count + i] to row rows[i] of a row-major matrix. */
void block_gather(uint32_t *planes, const uint32_t *matrix, size_t columns, const size_t *rows,
                  size_t count);

/* Adds factor * values[i] to the sums, whose coordinate c is the plane sums + c * count. */
void block_accumulate(const struct field31 *field, uint32_t *sums, const uint32_t *values,
                      struct extension factor, size_t count);

/* 1 / (x - z) for the 2^log_size points x of the coset of shift, in bit-reversed order, in a fresh block; z is
 * not in the base field. On all OpenMP threads. The caller frees it. */
struct extension *block_denominators(const struct ntt *ntt, unsigned log_size, uint32_t shift,
                                     struct extension z);

#endif
