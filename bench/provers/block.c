/*
 * block.c - planes, and denominators, which are computed with planes.
 */
#include "block.h"

#include "kernel.h"
#include "vector31.h"
#include "workload.h"

#include <stdlib.h>

void block_gather(uint32_t *planes, const uint32_t *matrix, size_t columns, const size_t *rows,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t *row = matrix + rows[i] * columns;

        for (size_t column = 0; column < columns; column++)
            planes[column * count + i] = row[column];
    }
}

KERNEL void block_accumulate(const struct field31 *field, uint32_t *sums, const uint32_t *values,
                             struct extension factor, size_t count)
{
    const struct field31 f = *field;

    for (unsigned c = 0; c < EXTENSION_DEGREE; c++) {
        uint32_t *sum = sums + c * count;

        for (size_t i = 0; i < count; i++)
            sum[i] = field31_add(&f, sum[i], field31_multiply(&f, values[i], factor.c[c]));
    }
}

/* 1 / (x - z) is others(x) / norm(x), where others = (x - z')(x - z'')(x - z''') with the conjugates of z, and
 * norm = others * (x - z) has its coefficients in the base field. Both have the leading coefficient 1. */
struct denominator {
    struct extension others[3];
    uint32_t norm[4];
};

/* Multiplies a polynomial of degree `degree`, whose leading 1 is not stored, by x - root. */
static void multiply_by_root(const struct field31 *field, struct extension *polynomial,
                             unsigned degree, struct extension root)
{
    const struct extension minus = extension_subtract(field, extension_from(0), root);

    polynomial[degree] = degree == 0 ? minus : extension_add(field, polynomial[degree - 1], minus);
    for (unsigned i = degree; i-- > 0;) {
        polynomial[i] = extension_multiply(field, polynomial[i], minus);
        if (i > 0)
            polynomial[i] = extension_add(field, polynomial[i], polynomial[i - 1]);
    }
}

static struct denominator denominator_of(const struct field31 *field, struct extension z)
{
    struct denominator denominator;
    struct extension polynomial[EXTENSION_DEGREE] = {{{0}}}, root = z;

    for (unsigned degree = 0; degree < EXTENSION_DEGREE; degree++) {
        for (unsigned i = 0; degree == 3 && i < 3; i++)
            denominator.others[i] = polynomial[i];
        root = extension_conjugate(field, root); /* the last one is z itself */
        multiply_by_root(field, polynomial, degree, root);
    }
    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        denominator.norm[i] = polynomial[i].c[0];
    return denominator;
}

/* Planes of a thread: x, norm(x), its inverse, and a coordinate of others(x). */
struct planes {
    uint32_t x[BLOCK_ROWS];
    uint32_t norm[BLOCK_ROWS];
    uint32_t inverse[BLOCK_ROWS];
    uint32_t coordinate[BLOCK_ROWS];
};

/* to = (x + a) x + b. */
static void start_horner(const struct field31 *field, uint32_t *to, const uint32_t *x, uint32_t a,
                         uint32_t b, size_t count)
{
    vector31_shift(field, to, x, a, count);
    vector31_multiply(field, to, to, x, count);
    vector31_shift(field, to, to, b, count);
}

/* to = to x + a. */
static void go_on_horner(const struct field31 *field, uint32_t *to, const uint32_t *x, uint32_t a,
                         size_t count)
{
    vector31_multiply(field, to, to, x, count);
    vector31_shift(field, to, to, a, count);
}

static void fill_denominators(const struct field31 *field, const struct denominator *denominator,
                              struct planes *planes, struct extension *to, size_t count)
{
    const uint32_t *norm = denominator->norm;
    const struct extension *others = denominator->others;
    uint32_t *coordinate = planes->coordinate;

    start_horner(field, planes->norm, planes->x, norm[3], norm[2], count);
    go_on_horner(field, planes->norm, planes->x, norm[1], count);
    go_on_horner(field, planes->norm, planes->x, norm[0], count);
    vector31_invert(field, planes->inverse, planes->norm, count);
    for (unsigned c = 0; c < EXTENSION_DEGREE; c++) {
        if (c == 0) {
            start_horner(field, coordinate, planes->x, others[2].c[c], others[1].c[c], count);
        } else { /* the leading coefficient 1 has no such coordinate */
            vector31_scale(field, coordinate, planes->x, others[2].c[c], count);
            vector31_shift(field, coordinate, coordinate, others[1].c[c], count);
        }
        go_on_horner(field, coordinate, planes->x, others[0].c[c], count);
        vector31_multiply(field, coordinate, coordinate, planes->inverse, count);
        for (size_t i = 0; i < count; i++)
            to[i].c[c] = coordinate[i];
    }
}

struct extension *block_denominators(const struct ntt *ntt, unsigned log_size, uint32_t shift,
                                     struct extension z)
{
    const struct field31 *field = ntt->field;
    const struct denominator denominator = denominator_of(field, z);
    const size_t size = (size_t)1 << log_size;
    const size_t block = size < BLOCK_ROWS ? size : BLOCK_ROWS;
    struct extension *denominators = workload_alloc(size * sizeof *denominators);

#pragma omp parallel
    {
        struct planes *planes = workload_alloc(sizeof *planes);

#pragma omp for schedule(static)
        for (size_t start = 0; start < size; start += block) {
            vector31_scale(field, planes->x, ntt->points + start, shift, block);
            fill_denominators(field, &denominator, planes, denominators + start, block);
        }
        free(planes);
    }
    return denominators;
}
