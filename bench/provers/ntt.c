/*
 * ntt.c - number-theoretic transforms of radix 2, by decimation in frequency: natural order in, bit-reversed
 * order out. Stages that combine rows further apart than the cache can hold pass over the whole
 * matrix, one after the other; then each block of rows goes through the remaining stages on its
 * own.
 */
#include "ntt.h"

#include "kernel.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum {
    cached_bytes = 128 * 1024, /* half of a small level 2 cache */
    run_rows = 256             /* rows that a thread takes at a time */
};

static void fill_roots(const struct field31 *field, uint32_t *roots, unsigned log_size,
                       uint32_t root)
{
    roots[0] = 0;
    for (unsigned log_half = log_size; log_half-- > 0; root = field31_multiply(field, root, root)) {
        const size_t half = (size_t)1 << log_half;
        uint32_t power = field->one;

        for (size_t k = 0; k < half; k++) {
            roots[half + k] = power;
            power = field31_multiply(field, power, root);
        }
    }
}

static void fill_points(const struct field31 *field, uint32_t *points, unsigned log_size,
                        uint32_t root)
{
    uint32_t power = field->one;

    for (size_t k = 0; k < (size_t)1 << log_size; k++) {
        points[ntt_reverse(k, log_size)] = power;
        power = field31_multiply(field, power, root);
    }
}

void ntt_set_up(struct ntt *ntt, const struct field31 *field, unsigned log_size_most)
{
    const uint32_t root = field31_root(field, log_size_most);
    const size_t bytes = sizeof(uint32_t) << log_size_most;

    *ntt = (struct ntt){
        .field = field,
        .log_size_most = log_size_most,
        .roots = workload_alloc(bytes),
        .inverse_roots = workload_alloc(bytes),
        .points = workload_alloc(bytes),
        .inverse_points = workload_alloc(bytes),
    };
    fill_roots(field, ntt->roots, log_size_most, root);
    fill_roots(field, ntt->inverse_roots, log_size_most, field31_inverse(field, root));
    fill_points(field, ntt->points, log_size_most, root);
    fill_points(field, ntt->inverse_points, log_size_most, field31_inverse(field, root));
    watch_block(WATCH_TABLES, ntt->roots, bytes);
    watch_block(WATCH_TABLES, ntt->inverse_roots, bytes);
    watch_block(WATCH_TABLES, ntt->points, bytes);
    watch_block(WATCH_TABLES, ntt->inverse_points, bytes);
}

void ntt_tear_down(struct ntt *ntt)
{
    free(ntt->roots);
    free(ntt->inverse_roots);
    free(ntt->points);
    free(ntt->inverse_points);
}

/* Combines rows first to last - 1 of the upper half of a block with the rows `half` below them. */
KERNEL static void butterflies(const struct field31 *field, uint32_t *block, size_t columns,
                               size_t half, size_t first, size_t last, const uint32_t *roots)
{
    const struct field31 f = *field;

    for (size_t row = first; row < last; row++) {
        const uint32_t root = roots[half + row];
        uint32_t *restrict upper = block + row * columns;
        uint32_t *restrict lower = upper + half * columns;

        for (size_t column = 0; column < columns; column++) {
            const uint32_t a = upper[column], b = lower[column];

            upper[column] = field31_add(&f, a, b);
            lower[column] = field31_multiply(&f, field31_subtract(&f, a, b), root);
        }
    }
}

/* A stage over the whole matrix. */
static void wide_stage(const struct ntt *ntt, uint32_t *matrix, size_t rows, size_t columns,
                       size_t half, const uint32_t *roots)
{
    const size_t run = half < run_rows ? half : run_rows;

#pragma omp parallel for schedule(static)
    for (size_t pair = 0; pair < rows / 2; pair += run) {
        const size_t first = pair % half;

        butterflies(ntt->field, matrix + (pair - first) * 2 * columns, columns, half, first,
                    first + run, roots);
    }
}

/* All stages of a block. */
static void narrow_stages(const struct ntt *ntt, uint32_t *block, size_t rows, size_t columns,
                          const uint32_t *roots)
{
    for (size_t half = rows / 2; half > 0; half /= 2)
        for (size_t start = 0; start < rows; start += 2 * half)
            butterflies(ntt->field, block + start * columns, columns, half, 0, half, roots);
}

static void transform(const struct ntt *ntt, uint32_t *matrix, unsigned log_rows, size_t columns,
                      const uint32_t *roots)
{
    const size_t rows = (size_t)1 << log_rows;
    size_t block = rows;

    while (block > 1 && block * columns * sizeof *matrix > cached_bytes) {
        wide_stage(ntt, matrix, rows, columns, block / 2, roots);
        block /= 2;
    }
#pragma omp parallel for schedule(static)
    for (size_t start = 0; start < rows; start += block)
        narrow_stages(ntt, matrix + start * columns, block, columns, roots);
}

void ntt_forward(const struct ntt *ntt, uint32_t *matrix, unsigned log_rows, size_t columns)
{
    transform(ntt, matrix, log_rows, columns, ntt->roots);
}

/* to[i] = from[i] * factor, a row. */
KERNEL static void scale_row(const struct field31 *field, uint32_t *restrict to,
                             const uint32_t *restrict from, uint32_t factor, size_t columns)
{
    const struct field31 f = *field;

    for (size_t column = 0; column < columns; column++)
        to[column] = field31_multiply(&f, from[column], factor);
}

uint32_t *ntt_interpolate(const struct ntt *ntt, const uint32_t *values, unsigned log_rows,
                          size_t columns, uint32_t shift)
{
    const struct field31 *field = ntt->field;
    const size_t rows = (size_t)1 << log_rows;
    const size_t bytes = rows * columns * sizeof *values;
    const uint32_t scale = field31_inverse(field, field31_from(field, (uint32_t)rows));
    const uint32_t ratio = field31_inverse(field, shift);
    uint32_t *reversed = workload_alloc(bytes);
    uint32_t *coefficients = workload_alloc(bytes);

    memcpy(reversed, values, bytes);
    transform(ntt, reversed, log_rows, columns, ntt->inverse_roots);
#pragma omp parallel for schedule(static)
    for (size_t run = 0; run < rows; run += run_rows) {
        const size_t end = rows - run < run_rows ? rows : run + run_rows;
        uint32_t factor = field31_multiply(field, scale, field31_power(field, ratio, run));

        for (size_t row = run; row < end; row++) {
            scale_row(field, coefficients + row * columns,
                      reversed + ntt_reverse(row, log_rows) * columns, factor, columns);
            factor = field31_multiply(field, factor, ratio);
        }
    }
    free(reversed);
    return coefficients;
}

uint32_t *ntt_evaluate(const struct ntt *ntt, const uint32_t *coefficients, unsigned log_rows,
                       size_t columns, uint32_t shift, unsigned log_blowup)
{
    const struct field31 *field = ntt->field;
    const size_t rows = (size_t)1 << log_rows;
    uint32_t *values = workload_zeroed((rows << log_blowup) * columns * sizeof *values);

#pragma omp parallel for schedule(static)
    for (size_t run = 0; run < rows; run += run_rows) {
        const size_t end = rows - run < run_rows ? rows : run + run_rows;
        uint32_t factor = field31_power(field, shift, run);

        for (size_t row = run; row < end; row++) {
            scale_row(field, values + row * columns, coefficients + row * columns, factor, columns);
            factor = field31_multiply(field, factor, shift);
        }
    }
    ntt_forward(ntt, values, log_rows + log_blowup, columns);
    return values;
}
