/*
 * deep.c - values outside of the coset, and the quotients formed with them.
 */
#include "deep.h"

#include "block.h"
#include "kernel.h"
#include "vector31.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum { run_rows = 256 };

/* Adds row[column] * weight to the sums, which have a plane of `columns` elements for each
 * coordinate. */
KERNEL static void add_row(const struct field31 *field, uint32_t *restrict sums,
                           const uint32_t *restrict row, size_t columns, struct extension weight)
{
    const struct field31 f = *field;

    for (unsigned c = 0; c < EXTENSION_DEGREE; c++) {
        uint32_t *restrict sum = sums + c * columns;

        for (size_t column = 0; column < columns; column++)
            sum[column] =
                field31_add(&f, sum[column], field31_multiply(&f, row[column], weight.c[c]));
    }
}

/* Adds a run of rows, each weighted with x / (x - z). */
static void add_rows(const struct field31 *field, uint32_t *sums, const uint32_t *matrix,
                     size_t columns, const uint32_t *points, const struct extension *denominators,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_row(field, sums, matrix + i * columns, columns,
                extension_scale(field, denominators[i], points[i]));
}

/* The factor for the weighted sum of the values. Lagrange's formula on the n points s * w of a
 * coset: f(z) = (1 - (z / s)^n) / n * the sum of f(s w) * s w / (s w - z). */
static struct extension lagrange_factor(const struct field31 *field, unsigned log_rows,
                                        uint32_t shift, struct extension z)
{
    const uint64_t rows = (uint64_t)1 << log_rows;
    const struct extension ratio = extension_scale(field, z, field31_inverse(field, shift));
    const struct extension one = extension_from(field->one);
    const struct extension vanishing =
        extension_subtract(field, one, extension_power(field, ratio, rows));
    const uint32_t scale = field31_inverse(field, field31_from(field, (uint32_t)rows));

    return extension_scale(field, vanishing, field31_multiply(field, scale, shift));
}

void deep_evaluate(const struct ntt *ntt, const uint32_t *matrix, size_t columns, unsigned log_rows,
                   uint32_t shift, const struct extension *denominators, struct extension z,
                   struct extension *values)
{
    const struct field31 *field = ntt->field;
    const struct extension factor = lagrange_factor(field, log_rows, shift, z);
    const size_t rows = (size_t)1 << log_rows;
    const size_t run = rows < run_rows ? rows : run_rows;
    const size_t elements = EXTENSION_DEGREE * columns;
    uint32_t *total = workload_zeroed(elements * sizeof *total);

#pragma omp parallel
    {
        uint32_t *sums = workload_zeroed(elements * sizeof *sums);

#pragma omp for schedule(static)
        for (size_t start = 0; start < rows; start += run)
            add_rows(field, sums, matrix + start * columns, columns, ntt->points + start,
                     denominators + start, run);
#pragma omp critical(deep_total)
        vector31_add(field, total, total, sums, elements);
        free(sums);
    }
    for (size_t column = 0; column < columns; column++) {
        struct extension sum;

        for (size_t c = 0; c < EXTENSION_DEGREE; c++)
            sum.c[c] = total[c * columns + column];
        values[column] = extension_multiply(field, sum, factor);
    }
    free(total);
}

/* What is the same for all rows of a matrix. */
struct combination {
    const struct field31 *field;
    const struct deep_columns *columns;
    const struct extension *powers;      /* of the challenge, by column */
    struct extension known[DEEP_POINTS]; /* sum of power * f(z) */
};

/* A thread's scratch memory. */
struct scratch {
    size_t rows[BLOCK_ROWS];
    uint32_t sums[EXTENSION_DEGREE * BLOCK_ROWS];
    uint32_t planes[];
};

static struct extension known_sum(const struct combination *combination, size_t point)
{
    const struct field31 *field = combination->field;
    const struct extension *values = combination->columns->values[point];
    struct extension sum = extension_from(0);

    for (size_t column = 0; column < combination->columns->count; column++)
        sum = extension_add(field, sum,
                            extension_multiply(field, combination->powers[column], values[column]));
    return sum;
}

/* Adds the quotients of a row, of which the sum of power * f(x) is given. */
static struct extension add_points(const struct combination *combination, struct extension to,
                                   struct extension sum, size_t row)
{
    const struct field31 *field = combination->field;
    const struct deep_columns *columns = combination->columns;

    for (size_t point = 0; point < columns->points; point++) {
        struct extension term = extension_subtract(field, sum, combination->known[point]);

        term = extension_multiply(field, term, columns->denominators[point][row]);
        term = extension_multiply(field, term, columns->factor[point]);
        to = extension_add(field, to, term);
    }
    return to;
}

static void add_block(const struct combination *combination, struct scratch *scratch, size_t start,
                      size_t count, struct extension *to)
{
    const struct deep_columns *columns = combination->columns;

    for (size_t i = 0; i < count; i++)
        scratch->rows[i] = start + i;
    block_gather(scratch->planes, columns->matrix, columns->count, scratch->rows, count);
    memset(scratch->sums, 0, EXTENSION_DEGREE * count * sizeof *scratch->sums);
    for (size_t column = 0; column < columns->count; column++)
        block_accumulate(combination->field, scratch->sums, scratch->planes + column * count,
                         combination->powers[column], count);
    for (size_t i = 0; i < count; i++) {
        struct extension sum;

        for (size_t c = 0; c < EXTENSION_DEGREE; c++)
            sum.c[c] = scratch->sums[c * count + i];
        to[start + i] = add_points(combination, to[start + i], sum, start + i);
    }
}

static void add_matrix(const struct combination *combination, unsigned log_size,
                       struct extension *to)
{
    const size_t size = (size_t)1 << log_size;
    const size_t block = size < BLOCK_ROWS ? size : BLOCK_ROWS;
    const size_t plane_bytes = BLOCK_ROWS * sizeof(uint32_t);

#pragma omp parallel
    {
        struct scratch *scratch =
            workload_alloc(sizeof *scratch + combination->columns->count * plane_bytes);

#pragma omp for schedule(static)
        for (size_t start = 0; start < size; start += block)
            add_block(combination, scratch, start, block, to);
        free(scratch);
    }
}

struct extension *deep_combine(const struct field31 *field, const struct deep_columns *matrices,
                               size_t count, struct extension challenge, unsigned log_size)
{
    struct extension *sums = workload_zeroed(sizeof *sums << log_size);

    for (size_t i = 0; i < count; i++) {
        struct extension *powers = workload_alloc(matrices[i].count * sizeof *powers);
        struct combination combination = {field, &matrices[i], powers, {{{0}}}};

        extension_powers(field, challenge, powers, matrices[i].count);
        for (size_t point = 0; point < matrices[i].points; point++)
            combination.known[point] = known_sum(&combination, point);
        add_matrix(&combination, log_size, sums);
        free(powers);
    }
    return sums;
}
