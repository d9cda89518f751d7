/*
 * memoised_dft.h - model of a prover's Fourier transform that keeps its table of roots.
 *
 * Faithful to Plonky3's RecursiveDft (monty-31/src/dft/mod.rs; Radix2DFTSmallBatch in p3-dft is the
 * same in this), 64-bit: a list of vectors, `twiddles`, a Vec<Vec<F>> in a RefCell in 2024 and
 * behind an RwLock shared by all threads since. The first transform of a height n makes it: n / 2
 * roots of unity, n / 4, ... 1, in a block each. A larger height makes it anew, a smaller one uses
 * the end of it.
 *   roots    half of the height x element: 4096 bytes for height 2048 of elements of 4 bytes
 *   list     24 bytes x the logarithm of the height
 * The transform runs from the top, decimating in frequency: each layer multiplies by the roots of
 * its size, and the values come out with the bits of their index reversed.
 *
 * Not as there: elements are kept as they are, not in Montgomery form; one thread transforms; and
 * the inverse transform, which has a second such table, is left out.
 *
 * Any number of threads may transform at once.
 */
#ifndef MEMOISED_DFT_H
#define MEMOISED_DFT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum dft_field {
    DFT_BABYBEAR,  /* 15 x 2^27 + 1, in 4 bytes */
    DFT_GOLDILOCKS /* 2^64 - 2^32 + 1, in 8 bytes */
};

struct memoised_dft {
    enum dft_field field;
    pthread_rwlock_t lock;  /* guards what follows */
    struct dft_roots *list; /* roots of the largest height so far, then of its half, ... */
    size_t list_length;
};

/* A transform without a table. -1 with errno: no lock. */
int memoised_dft_init(struct memoised_dft *dft, enum dft_field field);

/* Frees the table. No other thread may use it any more. */
void memoised_dft_deinit(struct memoised_dft *dft);

/* Evaluates the polynomial whose coefficients are values[0 .. height), a power of two above 1 of at
 * most 2^27, at all powers of the root of unity of that order: at its i-th power in values[i], i
 * with its bits reversed. Coefficients are below the field's order. -1 with ENOMEM, and values are
 * as they were. */
int memoised_dft_forward(struct memoised_dft *dft, uint64_t *values, size_t height);

/* ---- For tests and reports ---- */

/* The field's order. */
uint64_t dft_order(enum dft_field field);

/* Bytes of an element in the table. */
size_t dft_element_bytes(enum dft_field field);

/* a x b and a^exponent in the field, of numbers below its order. */
uint64_t dft_multiply(enum dft_field field, uint64_t a, uint64_t b);
uint64_t dft_power(enum dft_field field, uint64_t a, uint64_t exponent);

/* Where the i-th value of a transform of that height is: i with its bits reversed. */
size_t dft_reversed(size_t i, size_t height);

/* The root of unity of order height whose powers the table has. */
uint64_t dft_root(enum dft_field field, size_t height);

/* How many of the height / 2 roots in the table are what they should be; 0 when there is none of
 * that height. */
size_t memoised_dft_right_roots(struct memoised_dft *dft, size_t height);

#endif
