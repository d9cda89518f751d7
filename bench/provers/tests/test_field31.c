/*
 * test_field31.c - fields of 31 bits and their extensions against the compiler's 64-bit numbers, and that they are
 * fields: p is a prime, the generator generates, x^4 - w is irreducible.
 */
#include "extension.h"
#include "vector31.h"
#include "workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { fields = 2, edges = 9 };

static const struct field31 *const field_of[fields] = {&field31_babybear, &field31_koalabear};

static uint32_t edge(const struct field31 *field, unsigned i)
{
    const uint32_t p = field->modulus;
    const uint32_t all[edges] = {0, 1, 2, 3, p / 2, p / 2 + 1, p - 2, p - 1, field->one};

    return all[i];
}

static uint32_t random_element(const struct field31 *field, uint64_t *random)
{
    return (uint32_t)(workload_random(random) % field->modulus);
}

static uint64_t plain_power(uint64_t base, uint64_t exponent, uint64_t p)
{
    uint64_t result = 1;

    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 == 1)
            result = result * base % p;
        base = base * base % p;
    }
    return result;
}

static void check_pair(const struct field31 *field, uint32_t a, uint32_t b)
{
    const uint64_t p = field->modulus;
    const uint32_t product = field31_multiply(field, a, b);

    assert_int_equal(field31_add(field, a, b), ((uint64_t)a + b) % p);
    assert_int_equal(field31_subtract(field, a, b), (p + a - b) % p);
    assert_true(product < p);
    assert_int_equal(((uint64_t)product << 32) % p, (uint64_t)a * b % p);
}

static void field_is_arithmetic_modulo_p(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (unsigned f = 0; f < fields; f++) {
        for (unsigned i = 0; i < edges; i++)
            for (unsigned j = 0; j < edges; j++)
                check_pair(field_of[f], edge(field_of[f], i), edge(field_of[f], j));
        for (unsigned i = 0; i < 100000; i++)
            check_pair(field_of[f], random_element(field_of[f], &random),
                       random_element(field_of[f], &random));
    }
}

static void numbers_go_in_and_out(void **state)
{
    uint64_t random = 2;

    (void)state;
    for (unsigned f = 0; f < fields; f++) {
        const struct field31 *field = field_of[f];
        const uint32_t p = field->modulus;

        assert_int_equal(field31_to(field, field->one), 1);
        assert_int_equal(field->one, ((uint64_t)1 << 32) % p);
        assert_int_equal(field31_from(field, UINT32_MAX), ((uint64_t)UINT32_MAX << 32) % p);
        for (unsigned i = 0; i < 10000; i++) {
            const uint32_t number = (uint32_t)workload_random(&random);

            assert_int_equal(field31_to(field, field31_from(field, number)), number % p);
        }
    }
}

static void constants_are_what_they_say(void **state)
{
    (void)state;
    assert_int_equal(field31_babybear.modulus, 15U * (1U << 27) + 1);
    assert_int_equal(field31_koalabear.modulus, 127U * (1U << 24) + 1);
    for (unsigned f = 0; f < fields; f++) {
        const struct field31 *field = field_of[f];
        const uint32_t p = field->modulus;

        assert_int_equal(field->modulus * field->inverse, 1U);
        assert_int_equal(field->square, (uint64_t)field->one * field->one % p);
        assert_int_equal((p - 1) % (1U << field->two_adicity), 0);
        assert_int_equal((p - 1) >> field->two_adicity & 1, 1);
    }
}

static void p_is_prime(void **state)
{
    (void)state;
    for (unsigned f = 0; f < fields; f++)
        for (uint64_t d = 2; d * d <= field_of[f]->modulus; d++)
            assert_true(field_of[f]->modulus % d != 0);
}

/* No power (p - 1) / q, q a prime factor of p - 1, is 1. Of the roots of unity the orders are right. */
static void generator_has_full_order(void **state)
{
    (void)state;
    for (unsigned f = 0; f < fields; f++) {
        const struct field31 *field = field_of[f];
        const uint64_t p = field->modulus;
        uint64_t rest = p - 1;

        for (uint64_t q = 2; rest > 1; q++) {
            if (rest % q != 0)
                continue;
            while (rest % q == 0)
                rest /= q;
            assert_true(plain_power(field->generator, (p - 1) / q, p) != 1);
        }
        for (unsigned log_order = 1; log_order <= field->two_adicity; log_order++) {
            const uint64_t root = field31_to(field, field31_root(field, log_order));

            assert_true(plain_power(root, (uint64_t)1 << (log_order - 1), p) == p - 1);
        }
    }
}

/* x^4 - w is irreducible if w is no square, as p is 1 modulo 4. */
static void extension_is_a_field(void **state)
{
    (void)state;
    for (unsigned f = 0; f < fields; f++) {
        const uint64_t p = field_of[f]->modulus;

        assert_int_equal(p % 4, 1);
        assert_true(plain_power(field_of[f]->non_residue, (p - 1) / 2, p) == p - 1);
    }
}

static struct extension random_extension(const struct field31 *field, uint64_t *random)
{
    struct extension value = {{0}};

    for (unsigned i = 0; i < EXTENSION_DEGREE; i++) {
        const uint64_t choice = workload_random(random);

        value.c[i] = choice % 4 == 0 ? edge(field, (unsigned)(choice / 4 % edges))
                                     : random_element(field, random);
    }
    return value;
}

/* The product as one multiplies polynomials, on plain numbers. */
static struct extension plain_product(const struct field31 *field, struct extension a,
                                      struct extension b)
{
    const uint64_t p = field->modulus;
    uint64_t sums[2 * EXTENSION_DEGREE] = {0};
    struct extension product = {{0}};

    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        for (unsigned j = 0; j < EXTENSION_DEGREE; j++)
            sums[i + j] += (uint64_t)field31_to(field, a.c[i]) * field31_to(field, b.c[j]) % p;
    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        product.c[i] = field31_from(
            field, (uint32_t)((sums[i] + sums[i + EXTENSION_DEGREE] % p * field->non_residue) % p));
    return product;
}

static void extension_multiplies_as_polynomials_do(void **state)
{
    uint64_t random = 3;

    (void)state;
    for (unsigned f = 0; f < fields; f++) {
        const uint32_t most = field_of[f]->modulus - 1;
        const struct extension all = {{most, most, most, most}};

        assert_true(extension_equal(extension_multiply(field_of[f], all, all),
                                    plain_product(field_of[f], all, all)));
        for (unsigned i = 0; i < 20000; i++) {
            const struct extension a = random_extension(field_of[f], &random);
            const struct extension b = random_extension(field_of[f], &random);

            assert_true(extension_equal(extension_multiply(field_of[f], a, b),
                                        plain_product(field_of[f], a, b)));
        }
    }
}

static void extension_inverts(void **state)
{
    uint64_t random = 4;

    (void)state;
    for (unsigned f = 0; f < fields; f++) {
        const struct field31 *field = field_of[f];
        const struct extension one = extension_from(field->one), zero = extension_from(0);

        assert_true(extension_equal(extension_inverse(field, zero), zero));
        for (unsigned i = 0; i < 2000; i++) {
            const struct extension a = random_extension(field, &random);

            if (extension_equal(a, zero))
                continue;
            assert_true(
                extension_equal(extension_multiply(field, a, extension_inverse(field, a)), one));
        }
    }
}

static void conjugate_is_the_power_of_p(void **state)
{
    uint64_t random = 5;

    (void)state;
    for (unsigned f = 0; f < fields; f++)
        for (unsigned i = 0; i < 100; i++) {
            const struct extension a = random_extension(field_of[f], &random);

            assert_true(extension_equal(extension_conjugate(field_of[f], a),
                                        extension_power(field_of[f], a, field_of[f]->modulus)));
        }
}

/* Checks all lengths around those of vector registers. */
static void vectors_are_loops_of_elements(void **state)
{
    enum { most = 70 };
    uint64_t random = 6;

    (void)state;
    for (unsigned f = 0; f < fields; f++)
        for (size_t count = 1; count <= most; count++) {
            const struct field31 *field = field_of[f];
            const uint32_t factor = random_element(field, &random);
            uint32_t a[most], b[most], to[6][most];

            for (size_t i = 0; i < count; i++) {
                a[i] = edge(field, (unsigned)(workload_random(&random) % edges));
                b[i] = to[5][i] = random_element(field, &random);
            }
            vector31_add(field, to[0], a, b, count);
            vector31_subtract(field, to[1], a, b, count);
            vector31_multiply(field, to[2], a, b, count);
            vector31_scale(field, to[3], a, factor, count);
            vector31_shift(field, to[4], a, factor, count);
            vector31_add_scaled(field, to[5], a, factor, count);
            for (size_t i = 0; i < count; i++) {
                const uint32_t scaled = field31_multiply(field, a[i], factor);

                assert_int_equal(to[0][i], field31_add(field, a[i], b[i]));
                assert_int_equal(to[1][i], field31_subtract(field, a[i], b[i]));
                assert_int_equal(to[2][i], field31_multiply(field, a[i], b[i]));
                assert_int_equal(to[3][i], scaled);
                assert_int_equal(to[4][i], field31_add(field, a[i], factor));
                assert_int_equal(to[5][i], field31_add(field, b[i], scaled));
            }
        }
}

static void inverts_vectors(void **state)
{
    enum { most = 300 };
    uint64_t random = 7;

    (void)state;
    for (unsigned f = 0; f < fields; f++)
        for (size_t count = 1; count <= most; count += count < 40 ? 1 : 13) {
            const struct field31 *field = field_of[f];
            uint32_t a[most], inverse[most];

            for (size_t i = 0; i < count; i++)
                a[i] = 1 + (uint32_t)(workload_random(&random) % (field->modulus - 1));
            vector31_invert(field, inverse, a, count);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(field31_multiply(field, a[i], inverse[i]), field->one);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_is_arithmetic_modulo_p),
        cmocka_unit_test(numbers_go_in_and_out),
        cmocka_unit_test(constants_are_what_they_say),
        cmocka_unit_test(p_is_prime),
        cmocka_unit_test(generator_has_full_order),
        cmocka_unit_test(extension_is_a_field),
        cmocka_unit_test(extension_multiplies_as_polynomials_do),
        cmocka_unit_test(extension_inverts),
        cmocka_unit_test(conjugate_is_the_power_of_p),
        cmocka_unit_test(vectors_are_loops_of_elements),
        cmocka_unit_test(inverts_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
