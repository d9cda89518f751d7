/*
 * test_hashsig.c - the aggregation of signatures: proofs verify, and nothing else does.
 */
#include "hashsig.h"
#include "workload.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { log_signers = 3, signer_count = 1 << log_signers, epoch = 1 };

static const uint64_t seed = 21;

struct fixture {
    struct ntt ntt;
    struct signers signers;
    struct hashsig_statement statement;
    uint8_t *proof; /* of the statement */
    size_t bytes;
};

static uint8_t *prove(const struct fixture *fixture, const struct hashsig_statement *statement,
                      size_t *bytes)
{
    return hashsig_prove(&fixture->ntt, statement, fixture->signers.signatures[epoch], bytes);
}

static int set_up(void **state)
{
    struct fixture *fixture = workload_zeroed(sizeof *fixture);

    hashsig_set_up(&fixture->ntt, log_signers);
    signers_create(&fixture->signers, signer_count, seed);
    fixture->statement = (struct hashsig_statement){.log_signers = log_signers,
                                                    .epoch = epoch,
                                                    .message = signers_message(seed, epoch),
                                                    .roots = fixture->signers.roots};
    fixture->proof = prove(fixture, &fixture->statement, &fixture->bytes);
    *state = fixture;
    return fixture->proof == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->proof);
    signers_destroy(&fixture->signers);
    ntt_tear_down(&fixture->ntt);
    free(fixture);
    return 0;
}

static void accepts_the_proof(void **state)
{
    const struct fixture *fixture = *state;

    assert_true(hashsig_verify(&fixture->statement, fixture->proof, fixture->bytes));
}

static void accepts_proofs_of_all_sizes(void **state)
{
    (void)state;
    for (unsigned log = 0; log <= 5; log++) {
        struct fixture fixture = {.bytes = 0};
        struct hashsig_statement statement = {
            .log_signers = log, .epoch = epoch, .message = signers_message(log, epoch)};

        hashsig_set_up(&fixture.ntt, log);
        signers_create(&fixture.signers, (size_t)1 << log, log);
        statement.roots = fixture.signers.roots;
        fixture.proof = prove(&fixture, &statement, &fixture.bytes);
        assert_true(hashsig_verify(&statement, fixture.proof, fixture.bytes));
        free(fixture.proof);
        signers_destroy(&fixture.signers);
        ntt_tear_down(&fixture.ntt);
    }
}

static void is_the_same_with_any_number_of_threads(void **state)
{
    const struct fixture *fixture = *state;
    int threads = omp_get_max_threads();

    for (int count = 1; count <= 3; count++) {
        uint8_t *proof;
        size_t bytes;

        omp_set_num_threads(count);
        proof = prove(fixture, &fixture->statement, &bytes);
        assert_int_equal(bytes, fixture->bytes);
        assert_memory_equal(proof, fixture->proof, bytes);
        free(proof);
    }
    omp_set_num_threads(threads);
}

/* Forges one of all signers: the state of one chain, or a node of the path to the root. */
static void does_not_prove_a_forged_signature(void **state)
{
    struct fixture *fixture = *state;
    struct signers_signature *forged = &fixture->signers.signatures[epoch][signer_count - 1];
    uint8_t *places[] = {&forged->one_time.chains[0].bytes[0],
                         &forged->one_time.chains[WINTERNITZ_CHAINS - 1].bytes[31],
                         &forged->path[SIGNERS_TREE_HEIGHT - 1].bytes[7]};
    size_t bytes;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        *places[i] ^= 4;
        assert_null(prove(fixture, &fixture->statement, &bytes));
        assert_int_equal(bytes, 0);
        *places[i] ^= 4;
    }
}

static void rejects_another_statement(void **state)
{
    const struct fixture *fixture = *state;
    struct hashsig_statement other = fixture->statement;
    struct hash roots[signer_count];

    other.message.bytes[31] ^= 0x80; /* one of the bits that no chain signs */
    assert_false(hashsig_verify(&other, fixture->proof, fixture->bytes));
    other = fixture->statement;
    other.message.bytes[0] ^= 1;
    assert_false(hashsig_verify(&other, fixture->proof, fixture->bytes));
    other = fixture->statement;
    other.epoch++;
    assert_false(hashsig_verify(&other, fixture->proof, fixture->bytes));
    other = fixture->statement;
    other.log_signers--;
    assert_false(hashsig_verify(&other, fixture->proof, fixture->bytes));
    other = fixture->statement;
    memcpy(roots, other.roots, sizeof roots);
    other.roots = roots;
    roots[0].bytes[0] ^= 1;
    assert_false(hashsig_verify(&other, fixture->proof, fixture->bytes));
}

/* In every 499th byte, so that every part of the proof is hit, and more densely at the end, where
 * the paths from the signers' rows are. */
static void rejects_any_flipped_bit(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < fixture->bytes; i += i + 4096 < fixture->bytes ? 499 : 61) {
        fixture->proof[i] ^= (uint8_t)(1U << i % 8);
        assert_false(hashsig_verify(&fixture->statement, fixture->proof, fixture->bytes));
        fixture->proof[i] ^= (uint8_t)(1U << i % 8);
    }
    assert_true(hashsig_verify(&fixture->statement, fixture->proof, fixture->bytes));
}

/* Each in a block of exactly its length, so that a sanitizer sees reads past the end. */
static void rejects_other_lengths(void **state)
{
    const struct fixture *fixture = *state;
    uint8_t *longer = workload_zeroed(fixture->bytes + 1);

    memcpy(longer, fixture->proof, fixture->bytes);
    assert_false(hashsig_verify(&fixture->statement, longer, fixture->bytes + 1));
    free(longer);
    for (size_t bytes = 0; bytes < fixture->bytes; bytes += fixture->bytes / 31) {
        uint8_t *shorter = workload_alloc(bytes + 1);

        memcpy(shorter + 1, fixture->proof, bytes);
        assert_false(hashsig_verify(&fixture->statement, shorter + 1, bytes));
        free(shorter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_proof),
        cmocka_unit_test(accepts_proofs_of_all_sizes),
        cmocka_unit_test(is_the_same_with_any_number_of_threads),
        cmocka_unit_test(does_not_prove_a_forged_signature),
        cmocka_unit_test(rejects_another_statement),
        cmocka_unit_test(rejects_any_flipped_bit),
        cmocka_unit_test(rejects_other_lengths),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
