/*
 * test_secrets.c - the models of a signature and of a proof that hide a secret: right ones verify,
 * wrong ones do not, and two of them reveal the secret if, and only if, they share what should be
 * random.
 */
#include "models/masked_row.h"
#include "models/modular.h"
#include "models/schnorr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- The signature ---- */

/* Miller and Rabin, with bases that decide below 2^64. */
static bool is_prime(uint64_t n)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    unsigned twos = (unsigned)__builtin_ctzll(n - 1);

    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        uint64_t x = mod_power(bases[i], (n - 1) >> twos, n);
        bool composite = x != 1 && x != n - 1;

        for (unsigned j = 1; j < twos && composite; j++) {
            x = mod_multiply(x, x, n);
            composite = x != n - 1;
        }
        if (composite)
            return false;
    }
    return true;
}

static void the_group_has_a_prime_order(void **state)
{
    (void)state;
    assert_true(is_prime(SCHNORR_PRIME));
    assert_true(is_prime(SCHNORR_ORDER));
    assert_true(SCHNORR_PRIME == 2 * SCHNORR_ORDER + 1);
    assert_true(mod_power(SCHNORR_BASE, SCHNORR_ORDER, SCHNORR_PRIME) == 1);
}

static const uint64_t key = 123456789123456789;

static void a_signature_verifies_for_its_message_and_key_alone(void **state)
{
    struct schnorr_signature signature = schnorr_sign(key, 7, 1122334455667788);
    struct schnorr_signature other = signature;

    (void)state;
    assert_true(schnorr_verify(schnorr_public(key), 7, signature));
    assert_false(schnorr_verify(schnorr_public(key), 8, signature));
    assert_false(schnorr_verify(schnorr_public(key + 1), 7, signature));
    other.response ^= 1;
    assert_false(schnorr_verify(schnorr_public(key), 7, other));
    other = signature;
    other.challenge ^= 1;
    assert_false(schnorr_verify(schnorr_public(key), 7, other));
    other = signature;
    other.response += SCHNORR_ORDER;
    assert_false(schnorr_verify(schnorr_public(key), 7, other));
}

static void one_nonce_for_two_messages_gives_the_key(void **state)
{
    (void)state;
    assert_true(schnorr_key_of(schnorr_sign(key, 1, 99999), schnorr_sign(key, 2, 99999)) == key);
    assert_true(schnorr_key_of(schnorr_sign(key, 1, 99999), schnorr_sign(key, 2, 99998)) != key);
    assert_true(schnorr_key_of(schnorr_sign(key, 1, 99999), schnorr_sign(key, 1, 99999)) == 0);
}

/* ---- The proof ---- */

static const uint64_t witness[MASKED_ROW_WITNESS] = {11, 22, 33, 44, 55, 66, 77, 88};

/* Makes the blinding from a seed. */
static void make_blinding(uint64_t seed, uint64_t blinding[MASKED_ROW_BLINDING])
{
    for (uint64_t i = 0; i < MASKED_ROW_BLINDING; i++)
        blinding[i] = chacha_hash((const uint64_t[]){seed, i}, 2).words[0] % MASKED_ROW_PRIME;
}

static struct masked_row_statement statement_of(uint64_t session)
{
    struct masked_row_statement statement = {.weights = {3, 1, 4, 1, 5, 9, 2, 6},
                                             .session = session};

    statement.claim = masked_row_sum(statement.weights, witness);
    return statement;
}

static struct masked_row_proof prove(const struct masked_row_statement *statement, uint64_t seed)
{
    uint64_t blinding[MASKED_ROW_BLINDING];
    struct masked_row_proof proof;

    make_blinding(seed, blinding);
    masked_row_prove(statement, witness, blinding, &proof);
    return proof;
}

static void a_true_statement_is_proved(void **state)
{
    (void)state;
    for (uint64_t session = 0; session < 4; session++) {
        struct masked_row_statement statement = statement_of(session);
        struct masked_row_proof proof = prove(&statement, session);

        assert_true(masked_row_verify(&statement, &proof));
    }
}

static void a_false_one_is_not(void **state)
{
    struct masked_row_statement statement = statement_of(1);
    struct masked_row_statement other = statement;
    struct masked_row_proof proof;

    (void)state;
    proof = prove(&statement, 5);
    other.claim++;
    assert_false(masked_row_verify(&other, &proof));
    other = statement;
    other.session++;
    assert_false(masked_row_verify(&other, &proof));
    other = statement;
    other.claim++; /* and is honest in everything else */
    proof = prove(&other, 5);
    assert_false(masked_row_verify(&other, &proof));
}

/* Changes each word of a proof in turn. */
static void a_changed_proof_is_rejected(void **state)
{
    struct masked_row_statement statement = statement_of(1);
    struct masked_row_proof proof = prove(&statement, 5);

    (void)state;
    for (size_t i = 0; i < sizeof proof / sizeof(uint64_t); i++) {
        struct masked_row_proof changed = proof;
        uint64_t word;

        memcpy(&word, (const char *)&changed + i * sizeof word, sizeof word);
        word ^= 1;
        memcpy((char *)&changed + i * sizeof word, &word, sizeof word);
        assert_false(masked_row_verify(&statement, &changed));
    }
}

static void one_blinding_for_two_proofs_gives_the_witness(void **state)
{
    struct masked_row_statement statements[] = {statement_of(1), statement_of(2)};
    struct masked_row_proof one = prove(&statements[0], 5);
    struct masked_row_proof same = prove(&statements[1], 5);
    struct masked_row_proof other = prove(&statements[1], 6);
    uint64_t computed[MASKED_ROW_WITNESS];

    (void)state;
    masked_row_witness_of(&statements[0], &one, &statements[1], &same, computed);
    assert_memory_equal(computed, witness, sizeof witness);
    masked_row_witness_of(&statements[0], &one, &statements[1], &other, computed);
    for (size_t i = 0; i < MASKED_ROW_WITNESS; i++)
        assert_true(computed[i] != witness[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_group_has_a_prime_order),
        cmocka_unit_test(a_signature_verifies_for_its_message_and_key_alone),
        cmocka_unit_test(one_nonce_for_two_messages_gives_the_key),
        cmocka_unit_test(a_true_statement_is_proved),
        cmocka_unit_test(a_false_one_is_not),
        cmocka_unit_test(a_changed_proof_is_rejected),
        cmocka_unit_test(one_blinding_for_two_proofs_gives_the_witness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
