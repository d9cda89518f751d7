/*
 * test_sumcheck.c - the field of 2^61-1 elements against the compiler's 128-bit numbers, and sumchecks against
 * sums that are added up corner by corner.
 */
#include "mersenne61.h"
#include "sumcheck.h"
#include "workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t edges[] = {
    0, 1, 2, 3, (uint64_t)1 << 31, M61_P / 2, M61_P / 2 + 1, M61_P - 2, M61_P - 1};

enum { edge_count = sizeof edges / sizeof edges[0] };

static void check_pair(uint64_t a, uint64_t b)
{
    const unsigned __int128 p = M61_P;

    assert_true(m61_add(a, b) == (uint64_t)(((unsigned __int128)a + b) % p));
    assert_true(m61_subtract(a, b) == (uint64_t)((p + a - b) % p));
    assert_true(m61_multiply(a, b) == (uint64_t)((unsigned __int128)a * b % p));
}

static void field_is_arithmetic_modulo_p(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (unsigned i = 0; i < edge_count; i++)
        for (unsigned j = 0; j < edge_count; j++)
            check_pair(edges[i], edges[j]);
    for (unsigned i = 0; i < 100000; i++)
        check_pair(workload_random(&random) % M61_P, workload_random(&random) % M61_P);
}

static void reduces_any_number(void **state)
{
    uint64_t random = 2;

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_true(m61_reduce(UINT64_MAX - i) == (UINT64_MAX - i) % M61_P);
        assert_true(m61_reduce(M61_P - 10 + i) == (M61_P - 10 + i) % M61_P);
        assert_true(m61_reduce(2 * M61_P - 10 + i) == (2 * M61_P - 10 + i) % M61_P);
    }
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t value = workload_random(&random);

        assert_true(m61_reduce(value) == value % M61_P);
    }
}

static void inverts(void **state)
{
    uint64_t random = 3;

    (void)state;
    assert_true(m61_inverse(0) == 0);
    for (unsigned i = 1; i < edge_count; i++)
        assert_true(m61_multiply(edges[i], m61_inverse(edges[i])) == 1);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t a = 1 + workload_random(&random) % (M61_P - 1);

        assert_true(m61_multiply(a, m61_inverse(a)) == 1);
    }
}

static uint8_t *prove(const struct sumcheck_statement *statement)
{
    uint64_t *tables = workload_alloc(SUMCHECK_FACTORS * sizeof *tables << statement->variables);
    uint8_t *proof = workload_alloc(sumcheck_proof_bytes(statement));

    sumcheck_prove(statement, tables, proof);
    free(tables);
    return proof;
}

static uint64_t word_at(const uint8_t *proof, size_t element)
{
    uint64_t word = 0;

    for (unsigned i = 8; i-- > 0;)
        word = word << 8 | proof[element * 8 + i];
    return word;
}

static void set_word(uint8_t *proof, size_t element, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++)
        proof[element * 8 + i] = (uint8_t)(word >> 8 * i);
}

static uint64_t naive_sum(const struct sumcheck_statement *statement, unsigned instance)
{
    unsigned __int128 sum = 0;

    for (uint64_t corner = 0; corner < (uint64_t)1 << statement->variables; corner++) {
        unsigned __int128 product = 1;

        for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++)
            product = product * sumcheck_value(statement, instance, factor, corner) % M61_P;
        sum = (sum + product) % M61_P;
    }
    return (uint64_t)sum;
}

/* All sizes, with and without the team of threads. */
static void claims_the_sum(void **state)
{
    (void)state;
    for (unsigned variables = 1; variables <= 13; variables++) {
        const struct sumcheck_statement statement = {
            .seed = 40 + variables, .variables = variables, .instances = 3};
        size_t elements = sumcheck_proof_bytes(&statement) / 8 / 3;
        uint8_t *proof = prove(&statement);

        for (unsigned instance = 0; instance < 3; instance++)
            assert_true(word_at(proof, instance * elements) == naive_sum(&statement, instance));
        assert_true(sumcheck_verify(&statement, proof, sumcheck_proof_bytes(&statement)));
        free(proof);
    }
}

/* The first round's polynomial at 2, from the definition: the highest variable set to 2. */
static void sends_the_rounds_polynomial(void **state)
{
    const struct sumcheck_statement statement = {.seed = 5, .variables = 6, .instances = 1};
    const uint64_t half = 32;
    uint8_t *proof = prove(&statement);
    uint64_t sum = 0;

    (void)state;
    for (uint64_t i = 0; i < half; i++) {
        uint64_t product = 1;

        for (unsigned factor = 0; factor < SUMCHECK_FACTORS; factor++) {
            uint64_t at_0 = sumcheck_value(&statement, 0, factor, i);
            uint64_t at_1 = sumcheck_value(&statement, 0, factor, i + half);

            product = m61_multiply(product, m61_subtract(m61_add(at_1, at_1), at_0));
        }
        sum = m61_add(sum, product);
    }
    assert_true(word_at(proof, 1 + 2) == sum);
    free(proof);
}

/* Every element of a proof matters: each that is off by one, and each that is written with p added. */
static void rejects_every_other_element(void **state)
{
    const struct sumcheck_statement statement = {.seed = 6, .variables = 5, .instances = 2};
    size_t bytes = sumcheck_proof_bytes(&statement);
    uint8_t *proof = prove(&statement);

    (void)state;
    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t word = word_at(proof, i);

        set_word(proof, i, m61_add(word, 1));
        assert_false(sumcheck_verify(&statement, proof, bytes));
        set_word(proof, i, word + M61_P);
        assert_false(sumcheck_verify(&statement, proof, bytes));
        set_word(proof, i, word);
    }
    assert_true(sumcheck_verify(&statement, proof, bytes));
    free(proof);
}

/* A wrong claim with a first round that fits it: the second round does not fit. */
static void rejects_a_wrong_claim_that_the_first_round_fits(void **state)
{
    const struct sumcheck_statement statement = {.seed = 7, .variables = 5, .instances = 1};
    size_t bytes = sumcheck_proof_bytes(&statement);
    uint8_t *proof = prove(&statement);

    (void)state;
    set_word(proof, 0, m61_add(word_at(proof, 0), 1));
    set_word(proof, 1, m61_add(word_at(proof, 1), 1));
    assert_false(sumcheck_verify(&statement, proof, bytes));
    free(proof);
}

/* Everything fits but the factors at the last point: one doubled, one halved. */
static void rejects_factors_with_the_right_product(void **state)
{
    const struct sumcheck_statement statement = {.seed = 8, .variables = 4, .instances = 1};
    size_t bytes = sumcheck_proof_bytes(&statement);
    size_t last = bytes / 8 - 1;
    uint8_t *proof = prove(&statement);

    (void)state;
    set_word(proof, last, m61_multiply(word_at(proof, last), 2));
    set_word(proof, last - 1, m61_multiply(word_at(proof, last - 1), m61_inverse(2)));
    assert_false(sumcheck_verify(&statement, proof, bytes));
    free(proof);
}

static void rejects_other_statements_and_lengths(void **state)
{
    const struct sumcheck_statement statement = {.seed = 9, .variables = 4, .instances = 2};
    struct sumcheck_statement other = statement;
    size_t bytes = sumcheck_proof_bytes(&statement);
    uint8_t *proof = prove(&statement);

    (void)state;
    other.seed++;
    assert_false(sumcheck_verify(&other, proof, bytes));
    assert_false(sumcheck_verify(&statement, proof, bytes - 1));
    assert_false(sumcheck_verify(&statement, proof, 0));
    free(proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_is_arithmetic_modulo_p),
        cmocka_unit_test(reduces_any_number),
        cmocka_unit_test(inverts),
        cmocka_unit_test(claims_the_sum),
        cmocka_unit_test(sends_the_rounds_polynomial),
        cmocka_unit_test(rejects_every_other_element),
        cmocka_unit_test(rejects_a_wrong_claim_that_the_first_round_fits),
        cmocka_unit_test(rejects_factors_with_the_right_product),
        cmocka_unit_test(rejects_other_statements_and_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
