/*
 * test_signatures.c - Winternitz signatures against the chains written out one hash at a time, forgeries, and
 * the trees of one-time keys against a recomputation of all their nodes.
 */
#include "signers.h"
#include "winternitz.h"
#include "workload.h"

#include <nettle/sha3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct winternitz_key key = {3, 1};

static struct hash random_digest(uint64_t *random)
{
    struct hash digest = {{0}};

    for (unsigned i = 0; i < sizeof digest.bytes; i++)
        digest.bytes[i] = (uint8_t)workload_random(random);
    return digest;
}

static bool same(const struct hash *a, const struct hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct hash hash_by_nettle(const void *bytes, size_t count)
{
    struct sha3_256_ctx sha3;
    struct hash digest;

    sha3_256_init(&sha3);
    sha3_256_update(&sha3, count, bytes);
    sha3_256_digest(&sha3, sizeof digest.bytes, digest.bytes);
    return digest;
}

static void digits_are_the_nibbles_and_their_checksum(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        struct hash message = random_digest(&random);
        uint8_t digits[WINTERNITZ_CHAINS];
        unsigned missing = 0;

        if (round < 2) /* the checksum's extremes: 61 * 15 and 0 */
            memset(&message, round == 0 ? 0 : 0xff, sizeof message);
        winternitz_digits(&message, digits);
        for (unsigned i = 0; i < WINTERNITZ_MESSAGE_CHAINS; i++) {
            unsigned byte = message.bytes[i / 2];

            assert_int_equal(digits[i], i % 2 == 0 ? byte % 16 : byte / 16);
            missing += 15U - digits[i];
        }
        assert_int_equal(digits[61] + 16 * digits[62] + 256 * digits[63], missing);
    }
}

/* Of two messages, neither has all of its digits at or above the other's: so no signature can be
 * extended to one of another message. */
static void no_message_is_above_another(void **state)
{
    uint64_t random = 2;

    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        struct hash message = random_digest(&random);
        struct hash other = message;
        uint8_t digits[2][WINTERNITZ_CHAINS];
        unsigned below = 0;

        other.bytes[round % 30] ^= (uint8_t)(1U << round % 8);
        winternitz_digits(&message, digits[0]);
        winternitz_digits(&other, digits[1]);
        for (unsigned i = 0; i < WINTERNITZ_CHAINS; i++)
            below |= digits[1][i] < digits[0][i] ? 1U : digits[1][i] > digits[0][i] ? 2U : 0U;
        assert_int_equal(below, 3);
    }
}

/* Each state by itself: 2 for a step, the signer, the epoch, the chain and the position, and the state before
 * it. */
static void chains_are_hashes_of_hashes(void **state)
{
    struct winternitz_trace *all = workload_alloc(sizeof *all);

    (void)state;
    winternitz_generate(7, key, all);
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        for (unsigned i = 0; i + 1 < WINTERNITZ_STATES; i++) {
            const uint32_t place[8] = {2, 3, 1, chain, i};
            uint8_t input[64];
            struct hash next;

            memcpy(input, place, sizeof place);
            memcpy(input + 32, &all->states[chain][i], 32);
            next = hash_by_nettle(input, sizeof input);
            assert_true(same(&next, &all->states[chain][i + 1]));
        }
    free(all);
}

/* A signature leads to the public key, and one with any error does not. */
static void forgeries_lead_elsewhere(void **state)
{
    struct winternitz_trace *all = workload_alloc(sizeof *all);
    struct winternitz_trace *trace = workload_alloc(sizeof *trace);
    uint64_t random = 3;
    struct hash message = random_digest(&random);
    uint8_t digits[WINTERNITZ_CHAINS];
    struct winternitz_signature signature;
    struct hash public;
    struct hash found;

    (void)state;
    winternitz_generate(8, key, all);
    public = winternitz_public(key, all);
    winternitz_digits(&message, digits);
    winternitz_sign(all, digits, &signature);
    winternitz_follow(key, digits, &signature, trace);
    found = winternitz_public(key, trace);
    assert_true(same(&found, &public));
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++) {
        signature.chains[chain].bytes[chain % 32] ^= 1; /* another state */
        winternitz_follow(key, digits, &signature, trace);
        found = winternitz_public(key, trace);
        assert_false(same(&found, &public));
        signature.chains[chain].bytes[chain % 32] ^= 1;
        digits[chain] ^= 1; /* another message */
        winternitz_follow(key, digits, &signature, trace);
        found = winternitz_public(key, trace);
        assert_false(same(&found, &public));
        digits[chain] ^= 1;
    }
    winternitz_follow((struct winternitz_key){3, 2}, digits, &signature, trace); /* another key */
    found = winternitz_public(key, trace);
    assert_false(same(&found, &public));
    free(trace);
    free(all);
}

/* What goes into a trace: nothing before the signature's states, and the chain from there on. */
static void a_trace_begins_at_the_digits(void **state)
{
    static const struct hash nothing;
    struct winternitz_trace *all = workload_alloc(sizeof *all);
    struct winternitz_trace *trace = workload_alloc(sizeof *trace);
    uint64_t random = 4;
    struct hash message = random_digest(&random);
    uint8_t digits[WINTERNITZ_CHAINS];
    struct winternitz_signature signature;

    (void)state;
    winternitz_generate(9, key, all);
    winternitz_digits(&message, digits);
    winternitz_sign(all, digits, &signature);
    memset(trace, 0x55, sizeof *trace);
    winternitz_follow(key, digits, &signature, trace);
    for (unsigned chain = 0; chain < WINTERNITZ_CHAINS; chain++)
        for (unsigned i = 0; i < WINTERNITZ_STATES; i++)
            assert_true(same(&trace->states[chain][i],
                             i < digits[chain] ? &nothing : &all->states[chain][i]));
    free(trace);
    free(all);
}

static struct hash naive_parent(uint32_t signer, uint32_t level, struct hash left,
                                struct hash right)
{
    const uint32_t place[4] = {4, signer, level};
    uint8_t input[80];

    memcpy(input, place, sizeof place);
    memcpy(input + 16, &left, 32);
    memcpy(input + 48, &right, 32);
    return hash_by_nettle(input, sizeof input);
}

static void roots_are_of_all_keys(void **state)
{
    struct winternitz_trace *all = workload_alloc(sizeof *all);
    struct signers signers;

    (void)state;
    signers_create(&signers, 5, 11);
    for (uint32_t signer = 0; signer < 5; signer++) {
        struct hash leaves[SIGNERS_EPOCHS];
        struct hash root;

        for (uint32_t epoch = 0; epoch < SIGNERS_EPOCHS; epoch++) {
            winternitz_generate(11, (struct winternitz_key){signer, epoch}, all);
            leaves[epoch] = winternitz_public((struct winternitz_key){signer, epoch}, all);
        }
        root = naive_parent(signer, 2, naive_parent(signer, 1, leaves[0], leaves[1]),
                            naive_parent(signer, 1, leaves[2], leaves[3]));
        assert_true(same(&root, &signers.roots[signer]));
    }
    signers_destroy(&signers);
    free(all);
}

static void every_signature_is_its_signers_and_its_epochs_only(void **state)
{
    struct winternitz_trace *trace = workload_alloc(sizeof *trace);
    struct signers signers;

    (void)state;
    signers_create(&signers, 3, 12);
    for (uint32_t epoch = 0; epoch < SIGNERS_EPOCHS; epoch++) {
        struct hash message = signers_message(12, epoch);
        uint8_t digits[WINTERNITZ_CHAINS];

        winternitz_digits(&message, digits);
        for (uint32_t i = 0; i < 3 * SIGNERS_EPOCHS; i++) /* another signer or another epoch */
            for (uint32_t signer = 0; signer < 3; signer++)
                assert_int_equal(signers_check(signer, epoch, digits,
                                               &signers.signatures[i / 3][i % 3],
                                               &signers.roots[signer], trace),
                                 i % 3 == signer && i / 3 == epoch);
    }
    signers_destroy(&signers);
    free(trace);
}

static void a_wrong_path_is_rejected(void **state)
{
    struct winternitz_trace *trace = workload_alloc(sizeof *trace);
    struct signers signers;
    struct signers_signature signature;
    struct hash message = signers_message(13, 2);
    uint8_t digits[WINTERNITZ_CHAINS];

    (void)state;
    signers_create(&signers, 1, 13);
    winternitz_digits(&message, digits);
    for (unsigned level = 0; level < SIGNERS_TREE_HEIGHT; level++) {
        signature = signers.signatures[2][0];
        assert_true(signers_check(0, 2, digits, &signature, &signers.roots[0], trace));
        signature.path[level].bytes[31] ^= 0x80;
        assert_false(signers_check(0, 2, digits, &signature, &signers.roots[0], trace));
    }
    signers_destroy(&signers);
    free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_the_nibbles_and_their_checksum),
        cmocka_unit_test(no_message_is_above_another),
        cmocka_unit_test(chains_are_hashes_of_hashes),
        cmocka_unit_test(forgeries_lead_elsewhere),
        cmocka_unit_test(a_trace_begins_at_the_digits),
        cmocka_unit_test(roots_are_of_all_keys),
        cmocka_unit_test(every_signature_is_its_signers_and_its_epochs_only),
        cmocka_unit_test(a_wrong_path_is_rejected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
