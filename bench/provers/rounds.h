/*
 * rounds.h - a computation worth proving: a state of 32 elements that goes through a round for each
 * row. The cubes of the even elements are added to the odd ones (a Feistel network, so it is
 * invertible), then all are mixed. It looks like a hash function and is not meant to be one.
 */
#ifndef ROUNDS_H
#define ROUNDS_H

#include "air.h"

enum { ROUNDS_WIDTH = 32 };

/* Replaces the state with the next one. */
void rounds_step(const struct field31 *field, uint32_t state[ROUNDS_WIDTH]);

/* One column for each element. The public inputs are the first row and then the last one. */
void rounds_air(struct air *air, const struct field31 *field);

/* The trace of 2^log_rows rows from a start, row-major, in a fresh block. The caller frees it. */
uint32_t *rounds_trace(const struct field31 *field, const uint32_t start[ROUNDS_WIDTH],
                       unsigned log_rows);

#endif
