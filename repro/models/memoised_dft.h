/*
 * memoised_dft.h - model of a prover's Fourier transform that keeps its table of roots.
 *
 * Faithful to Plonky3's RecursiveDft (monty-31/src/dft/mod.rs; Radix2DFTSmallBatch in p3-dft is the
 * same in this), 64-bit: a list of vectors, `twiddles`, which is a Vec<Vec<F>>: in 2024 in a
 * RefCell, since then behind an RwLock that all threads share. The first transform of a height n
 * makes it: n / 2 roots of unity, n / 4, ... 1, each in a block of its own. A larger height makes
 * the list again; a smaller one uses its end.
 *   roots    half of the height x element: 4096 bytes for height 2048 of elements of 4 bytes
 *   list     24 bytes x the logarithm of the height
 * The transform runs from the top, decimating in frequency: each layer multiplies by the roots of
 * its size, and the values come out with the bits of their index reversed.
 *
 * Different here: elements are not in Montgomery form; one thread does a transform; and the inverse
 * transform, which has a second such table, is left out.
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
    pthread_rwlock_t lock;  /* guards the fields below */
    struct dft_roots *list; /* roots of the largest height so far, then of its half, ... */
    size_t list_length;
};

/* A transform without a table yet. -1 with errno if the lock cannot be made. */
int memoised_dft_init(struct memoised_dft *dft, enum dft_field field);

/* Frees the table. No other thread may use it any more. */
void memoised_dft_deinit(struct memoised_dft *dft);

/* Evaluates the polynomial with coefficients values[0 .. height) at all powers of the root of unity
 * of order height, which is a power of two from 2 to 2^27. The value at the i-th power is put into
 * values[i with its bits reversed]. Coefficients are below the field's order. -1 with ENOMEM, and
 * values are as they were. */
int memoised_dft_forward(struct memoised_dft *dft, uint64_t *values, size_t height);

/* ---- For tests and reports ---- */

/* The field's order. */
uint64_t dft_order(enum dft_field field);

/* Bytes of an element in the table. */
size_t dft_element_bytes(enum dft_field field);

/* a x b and a^exponent in the field; the numbers are below its order. */
uint64_t dft_multiply(enum dft_field field, uint64_t a, uint64_t b);
uint64_t dft_power(enum dft_field field, uint64_t a, uint64_t exponent);

/* The index of the i-th value of a transform of that height: i with its bits reversed. */
size_t dft_reversed(size_t i, size_t height);

/* The root of unity of order height whose powers are in the table. */
uint64_t dft_root(enum dft_field field, size_t height);

/* How many of the height / 2 roots in the table are right; 0 if it has none for that height. */
size_t memoised_dft_right_roots(struct memoised_dft *dft, size_t height);

#endif
