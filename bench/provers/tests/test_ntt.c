/*
 * test_ntt.c - transforms against Horner's rule on plain numbers, and that they do not depend on the threads.
 */
#include "block.h"
#include "ntt.h"
#include "workload.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { log_most = 14 };

static const struct field31 *const fields[] = {&field31_babybear, &field31_koalabear};

static uint32_t *random_matrix(const struct field31 *field, size_t elements, uint64_t random)
{
    uint32_t *matrix = workload_alloc(elements * sizeof *matrix);

    for (size_t i = 0; i < elements; i++)
        matrix[i] = (uint32_t)(workload_random(&random) % field->modulus);
    return matrix;
}

/* The value of a column's polynomial at a plain number. */
static uint64_t horner(const struct field31 *field, const uint32_t *coefficients, size_t rows,
                       size_t columns, size_t column, uint64_t x)
{
    uint64_t value = 0;

    for (size_t row = rows; row-- > 0;)
        value =
            (value * x + field31_to(field, coefficients[row * columns + column])) % field->modulus;
    return value;
}

static size_t plain_reverse(size_t index, unsigned bits)
{
    size_t reversed = 0;

    for (unsigned bit = 0; bit < bits; bit++)
        reversed |= (index >> bit & 1) << (bits - 1 - bit);
    return reversed;
}

static void reverses_bits(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 12; bits++)
        for (size_t i = 0; i < (size_t)1 << bits; i++)
            assert_int_equal(ntt_reverse(i, bits), plain_reverse(i, bits));
}

/* Row k of what comes out is at shift * root^reverse(k), for every shape. */
static void check_values(const struct ntt *ntt, unsigned log_rows, unsigned log_blowup,
                         size_t columns, uint32_t shift)
{
    const struct field31 *field = ntt->field;
    const unsigned log_size = log_rows + log_blowup;
    const size_t rows = (size_t)1 << log_rows;
    const uint64_t root = field31_to(field, field31_root(field, log_size));
    uint32_t *coefficients = random_matrix(field, rows * columns, log_size + columns);
    uint32_t *values = ntt_evaluate(ntt, coefficients, log_rows, columns, shift, log_blowup);
    uint64_t x = field31_to(field, shift);

    for (size_t i = 0; i < (size_t)1 << log_size; i++) {
        const size_t row = plain_reverse(i, log_size);

        assert_int_equal(field31_to(field, field31_multiply(field, shift, ntt->points[row])), x);
        for (size_t column = 0; column < columns; column++)
            assert_int_equal(field31_to(field, values[row * columns + column]),
                             horner(field, coefficients, rows, columns, column, x));
        x = x * root % field->modulus;
    }
    free(values);
    free(coefficients);
}

static void evaluates(void **state)
{
    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct ntt ntt;

        ntt_set_up(&ntt, fields[f], log_most);
        for (unsigned log_rows = 0; log_rows <= 6; log_rows++)
            for (unsigned log_blowup = 0; log_blowup <= 2; log_blowup++)
                for (size_t columns = 1; columns <= 9; columns += 4)
                    check_values(&ntt, log_rows, log_blowup, columns,
                                 field31_from(fields[f], log_blowup == 0 ? 1 : 31));
        ntt_tear_down(&ntt);
    }
}

/* With enough columns, stages over the whole matrix come first; some of the values are checked. */
static void evaluates_matrices_beyond_the_cache(void **state)
{
    const struct field31 *field = &field31_babybear;
    const size_t columns = 24, rows = 2048;
    const unsigned log_size = 12;
    const uint64_t root = field31_to(field, field31_root(field, log_size));
    const uint32_t shift = field31_from(field, 31);
    uint32_t *coefficients = random_matrix(field, rows * columns, 5), *values;
    uint64_t x = 31;
    struct ntt ntt;

    (void)state;
    ntt_set_up(&ntt, field, log_most);
    values = ntt_evaluate(&ntt, coefficients, 11, columns, shift, 1);
    for (size_t i = 0; i < (size_t)1 << log_size; i++) {
        const size_t row = plain_reverse(i, log_size), column = i % columns;

        assert_int_equal(field31_to(field, values[row * columns + column]),
                         horner(field, coefficients, rows, columns, column, x));
        x = x * root % field->modulus;
    }
    free(values);
    free(coefficients);
    ntt_tear_down(&ntt);
}

/* Interpolation is the inverse: values in natural order go in. */
static void interpolates(void **state)
{
    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        const struct field31 *field = fields[f];
        struct ntt ntt;

        ntt_set_up(&ntt, field, log_most);
        for (unsigned log_rows = 0; log_rows <= 12; log_rows += 3) {
            const size_t rows = (size_t)1 << log_rows, columns = 12, row_bytes = 4 * columns;
            const uint32_t shift = field31_from(field, 31);
            uint32_t *coefficients = random_matrix(field, rows * columns, 6 + f);
            uint32_t *values = ntt_evaluate(&ntt, coefficients, log_rows, columns, shift, 0);
            uint32_t *natural = workload_alloc(rows * row_bytes), *found;

            for (size_t row = 0; row < rows; row++)
                memcpy(natural + row * columns, values + plain_reverse(row, log_rows) * columns,
                       row_bytes);
            found = ntt_interpolate(&ntt, natural, log_rows, columns, shift);
            assert_memory_equal(found, coefficients, rows * row_bytes);
            free(found);
            free(natural);
            free(values);
            free(coefficients);
        }
        ntt_tear_down(&ntt);
    }
}

static void does_not_depend_on_threads(void **state)
{
    const struct field31 *field = &field31_babybear;
    const size_t columns = 20, rows = 4096, bytes = 4 * rows * columns;
    uint32_t *matrix = random_matrix(field, rows * columns, 8);
    uint32_t *expected[2] = {NULL, NULL};
    struct ntt ntt;

    (void)state;
    ntt_set_up(&ntt, field, log_most);
    for (int threads = 1; threads <= 4; threads++) {
        uint32_t *found[2];

        omp_set_num_threads(threads);
        found[0] = ntt_evaluate(&ntt, matrix, 12, columns, field31_from(field, 31), 1);
        found[1] = ntt_interpolate(&ntt, matrix, 12, columns, field31_from(field, 31));
        if (threads == 1) {
            memcpy(expected, found, sizeof expected);
            continue;
        }
        assert_memory_equal(found[0], expected[0], 2 * bytes);
        assert_memory_equal(found[1], expected[1], bytes);
        free(found[0]);
        free(found[1]);
    }
    omp_set_num_threads(1);
    free(expected[0]);
    free(expected[1]);
    free(matrix);
    ntt_tear_down(&ntt);
}

/* Tables for larger transforms give the same. */
static void does_not_depend_on_the_tables_size(void **state)
{
    const struct field31 *field = &field31_koalabear;
    uint32_t *matrix = random_matrix(field, 64 * 3, 9), *found[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct ntt ntt;

        ntt_set_up(&ntt, field, i == 0 ? 7 : 11);
        found[i] = ntt_evaluate(&ntt, matrix, 6, 3, field31_from(field, 3), 1);
        ntt_tear_down(&ntt);
    }
    assert_memory_equal(found[0], found[1], 4 * 128 * 3);
    free(found[0]);
    free(found[1]);
    free(matrix);
}

static void denominators_are_inverses(void **state)
{
    uint64_t random = 10;

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        const struct field31 *field = fields[f];
        const uint32_t shift = field31_from(field, field->generator);
        struct ntt ntt;

        ntt_set_up(&ntt, field, log_most);
        for (unsigned log_size = 1; log_size <= 10; log_size++) {
            struct extension z, *found;

            for (unsigned c = 0; c < EXTENSION_DEGREE; c++)
                z.c[c] = (uint32_t)(workload_random(&random) % field->modulus);
            found = block_denominators(&ntt, log_size, shift, z);
            for (size_t i = 0; i < (size_t)1 << log_size; i++) {
                const uint32_t x = field31_multiply(field, shift, ntt.points[i]);
                const struct extension difference = extension_subtract(field, extension_from(x), z);

                assert_true(extension_equal(extension_multiply(field, found[i], difference),
                                            extension_from(field->one)));
            }
            free(found);
        }
        ntt_tear_down(&ntt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reverses_bits),
        cmocka_unit_test(evaluates),
        cmocka_unit_test(evaluates_matrices_beyond_the_cache),
        cmocka_unit_test(interpolates),
        cmocka_unit_test(does_not_depend_on_threads),
        cmocka_unit_test(does_not_depend_on_the_tables_size),
        cmocka_unit_test(denominators_are_inverses),
    };

    omp_set_num_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
