/*
 * test_fri.c - FRI accepts polynomials of the degree that it is asked for, and nothing else.
 */
#include "fri.h"
#include "workload.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct fri_parameters parameters = {
    .log_blowup = 2, .queries = 16, .grinding_bits = 4};

static const struct field31 *const field = &field31_babybear;

enum { log_size = 8, log_degree = log_size - 2 };

static uint32_t random_element(uint64_t *random)
{
    return (uint32_t)(workload_random(random) % field->modulus);
}

/* The values of a random polynomial with that many coefficients, up to 2^log_size. */
static struct extension *word_of(const struct ntt *ntt, unsigned log_word, size_t coefficients,
                                 uint64_t random)
{
    const size_t bytes = sizeof(struct extension) << log_word;
    const uint32_t shift = field31_from(field, field->generator);
    uint32_t *matrix = workload_zeroed(bytes);
    uint32_t *values;

    for (size_t i = 0; i < coefficients * EXTENSION_DEGREE; i++)
        matrix[i] = random_element(&random);
    values = ntt_evaluate(ntt, matrix, log_word, EXTENSION_DEGREE, shift, 0);
    free(matrix);
    return (struct extension *)values;
}

/* A proof, and the word that it is of. */
struct proven {
    unsigned log_word;
    struct extension *word;
    struct bytes_writer proof;
};

static struct proven prove(const struct ntt *ntt, unsigned log_word, struct extension *word)
{
    const size_t bytes = sizeof *word << log_word;
    struct proven proven = {.log_word = log_word, .word = workload_alloc(bytes)};
    struct transcript transcript;
    struct fri fri;

    memcpy(proven.word, word, bytes);
    transcript_start(&transcript, "test");
    fri_commit(&fri, &parameters, ntt, log_word, word, &transcript, &proven.proof);
    for (unsigned query = 0; query < parameters.queries; query++)
        fri_open(&fri, transcript_index(&transcript, log_word), &proven.proof);
    fri_free(&fri);
    return proven;
}

static bool verify(const struct proven *proven, const uint8_t *proof, size_t bytes)
{
    struct bytes_reader reader = {.data = proof, .bytes = bytes};
    struct transcript transcript;
    struct fri_verifier verifier;

    transcript_start(&transcript, "test");
    if (!fri_receive(&verifier, &parameters, field, proven->log_word, &transcript, &reader))
        return false;
    for (unsigned query = 0; query < parameters.queries; query++) {
        const size_t index = transcript_index(&transcript, proven->log_word);

        if (!fri_check(&verifier, index, proven->word[index], &reader))
            return false;
    }
    return bytes_read_all(&reader);
}

static bool accepts(const struct proven *proven)
{
    return verify(proven, proven->proof.data, proven->proof.bytes);
}

static void discard(struct proven *proven)
{
    free(proven->word);
    free(proven->proof.data);
}

/* Proves a polynomial of that many coefficients. Is it accepted? */
static bool accepts_polynomial(const struct ntt *ntt, unsigned log_word, size_t coefficients)
{
    struct proven proven = prove(ntt, log_word, word_of(ntt, log_word, coefficients, coefficients));
    const bool accepted = accepts(&proven);

    discard(&proven);
    return accepted;
}

static void accepts_low_degree(void **state)
{
    (void)state;
    for (unsigned log_word = 3; log_word <= 12; log_word++)
        assert_true(accepts_polynomial(*state, log_word, (size_t)1 << (log_word - 2)));
    assert_true(accepts_polynomial(*state, log_size, 0));
    assert_true(accepts_polynomial(*state, log_size, 1));
    assert_true(accepts_polynomial(*state, log_size, ((size_t)1 << log_degree) - 1));
}

/* Rejects one coefficient too many, and more. */
static void rejects_too_high_a_degree(void **state)
{
    assert_false(accepts_polynomial(*state, log_size, ((size_t)1 << log_degree) + 1));
    assert_false(accepts_polynomial(*state, log_size, (size_t)2 << log_degree));
    assert_false(accepts_polynomial(*state, log_size, (size_t)1 << log_size));
}

/* Each power of x by itself: folding loses no part of the word. */
static void rejects_every_power_that_is_too_high(void **state)
{
    const struct ntt *ntt = *state;

    for (size_t power = 0; power < (size_t)1 << log_size; power++) {
        uint32_t *matrix = workload_zeroed(sizeof(struct extension) << log_size), *values;
        struct proven proven;

        matrix[power * EXTENSION_DEGREE + power % EXTENSION_DEGREE] = field->one;
        values = ntt_evaluate(ntt, matrix, log_size, EXTENSION_DEGREE, field->one, 0);
        proven = prove(ntt, log_size, (struct extension *)values);
        assert_int_equal(accepts(&proven), power < (size_t)1 << log_degree);
        discard(&proven);
        free(matrix);
    }
}

/* A claim about the word that differs from what was committed to, in any of the places looked at. */
static void rejects_another_word(void **state)
{
    struct proven proven = prove(*state, log_size, word_of(*state, log_size, 64, 3));

    for (size_t i = 0; i < (size_t)1 << log_size; i++)
        proven.word[i].c[3] = field31_add(field, proven.word[i].c[3], field->one);
    assert_false(accepts(&proven));
    discard(&proven);
}

/* Every byte of a proof counts, and so does its length. */
static void rejects_every_other_byte(void **state)
{
    struct proven proven = prove(*state, log_size, word_of(*state, log_size, 64, 4));
    const size_t bytes = proven.proof.bytes;
    uint8_t *proof = workload_zeroed(bytes + 1);
    uint64_t random = 5;

    memcpy(proof, proven.proof.data, bytes);
    assert_true(verify(&proven, proof, bytes));
    assert_false(verify(&proven, proof, bytes + 1));
    for (size_t i = 0; i < bytes; i++) {
        const uint8_t bit = (uint8_t)(1U << workload_random(&random) % 8);

        proof[i] ^= bit;
        assert_false(verify(&proven, proof, bytes));
        proof[i] ^= bit;
    }
    for (size_t kept = 0; kept < bytes; kept += 1 + kept / 16)
        assert_false(verify(&proven, proof, kept));
    free(proof);
    discard(&proven);
}

/* Before the queries, the verifier receives a root for each layer, the constant and the nonce. Each
 * byte of these changes every later challenge, and the places of the queries. */
static void every_message_moves_what_comes_after(void **state)
{
    enum { received = log_degree * HASH_BYTES + EXTENSION_DEGREE * 4 + 8 };
    struct proven proven = prove(*state, log_size, word_of(*state, log_size, 64, 7));
    struct fri_verifier verifiers[2];
    struct transcript transcripts[2];

    for (size_t i = 0; i < received; i++) {
        for (unsigned tampered = 0; tampered < 2; tampered++) {
            struct bytes_reader reader = {.data = proven.proof.data, .bytes = received};

            transcript_start(&transcripts[tampered], "test");
            proven.proof.data[i] ^= (uint8_t)tampered;
            fri_receive(&verifiers[tampered], &parameters, field, log_size, &transcripts[tampered],
                        &reader);
            proven.proof.data[i] ^= (uint8_t)tampered;
        }
        for (size_t layer = 0; layer < log_degree; layer++)
            assert_int_equal(
                extension_equal(verifiers[0].challenges[layer], verifiers[1].challenges[layer]),
                layer < i / HASH_BYTES);
        assert_false(hash_equal(&transcripts[0].state, &transcripts[1].state));
    }
    discard(&proven);
}

static void proof_does_not_depend_on_threads(void **state)
{
    struct proven expected = prove(*state, 12, word_of(*state, 12, 1024, 6));

    for (int threads = 2; threads <= 4; threads++) {
        struct proven found;

        omp_set_num_threads(threads);
        found = prove(*state, 12, word_of(*state, 12, 1024, 6));
        assert_int_equal(found.proof.bytes, expected.proof.bytes);
        assert_memory_equal(found.proof.data, expected.proof.data, expected.proof.bytes);
        discard(&found);
    }
    omp_set_num_threads(1);
    discard(&expected);
}

static int set_up(void **state)
{
    struct ntt *ntt = workload_alloc(sizeof *ntt);

    ntt_set_up(ntt, field, 13);
    *state = ntt;
    return 0;
}

static int tear_down(void **state)
{
    ntt_tear_down(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_low_degree),
        cmocka_unit_test(rejects_too_high_a_degree),
        cmocka_unit_test(rejects_every_power_that_is_too_high),
        cmocka_unit_test(rejects_another_word),
        cmocka_unit_test(rejects_every_other_byte),
        cmocka_unit_test(every_message_moves_what_comes_after),
        cmocka_unit_test(proof_does_not_depend_on_threads),
    };

    omp_set_num_threads(1);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
