/*
 * test_merkle.c - SHA3-256 against the answers of FIPS 202 and nettle's, and Merkle trees against a recursion
 * that hashes with nettle.
 */
#include "merkle.h"
#include "workload.h"

#include <nettle/sha3.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct hash nettle_hash(const void *message, size_t bytes)
{
    struct sha3_256_ctx sha3;
    struct hash hash;

    sha3_256_init(&sha3);
    sha3_256_update(&sha3, bytes, message);
    sha3_256_digest(&sha3, sizeof hash.bytes, hash.bytes);
    return hash;
}

static const uint8_t of_nothing[HASH_BYTES] = {
    0xa7, 0xff, 0xc6, 0xf8, 0xbf, 0x1e, 0xd7, 0x66, 0x51, 0xc1, 0x47, 0x56, 0xa0, 0x61, 0xd6, 0x62,
    0xf5, 0x80, 0xff, 0x4d, 0xe4, 0x3b, 0x49, 0xfa, 0x82, 0xd8, 0x0a, 0x4b, 0x80, 0xf8, 0x43, 0x4a};
static const uint8_t of_abc[HASH_BYTES] = {
    0x3a, 0x98, 0x5d, 0xa7, 0x4f, 0xe2, 0x25, 0xb2, 0x04, 0x5c, 0x17, 0x2d, 0x6b, 0xd3, 0x90, 0xbd,
    0x85, 0x5f, 0x08, 0x6e, 0x3e, 0x9d, 0x52, 0x5b, 0x46, 0xbf, 0xe2, 0x45, 0x11, 0x43, 0x15, 0x32};

static void knows_the_answers_of_the_standard(void **state)
{
    const uint8_t *messages[HASH_LANES];
    struct hash hashes[HASH_LANES], hash;

    (void)state;
    hash = hash_of("", 0);
    assert_memory_equal(hash.bytes, of_nothing, HASH_BYTES);
    hash = hash_of("abc", 3);
    assert_memory_equal(hash.bytes, of_abc, HASH_BYTES);
    for (unsigned lane = 0; lane < HASH_LANES; lane++)
        messages[lane] = (const uint8_t *)"ab";
    hash_four(messages, 2, 'c', hashes);
    for (unsigned lane = 0; lane < HASH_LANES; lane++)
        assert_memory_equal(hashes[lane].bytes, of_abc, HASH_BYTES);
}

/* All lengths up to more than two blocks, each message in a block of exactly its size. */
static void four_are_hashed_as_one_is(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (size_t bytes = 1; bytes <= 300; bytes++) {
        const uint8_t tag = (uint8_t)bytes;
        uint8_t *tagged[HASH_LANES], *messages[HASH_LANES];
        struct hash hashes[HASH_LANES];

        for (unsigned lane = 0; lane < HASH_LANES; lane++) {
            messages[lane] = workload_alloc(bytes);
            tagged[lane] = workload_alloc(bytes + 1);
            for (size_t i = 0; i < bytes; i++)
                messages[lane][i] = tagged[lane][i] = (uint8_t)workload_random(&random);
            tagged[lane][bytes] = tag;
        }
        hash_four((const uint8_t *const *)messages, bytes, tag, hashes);
        for (unsigned lane = 0; lane < HASH_LANES; lane++) {
            const struct hash expected = nettle_hash(tagged[lane], bytes + 1);

            assert_true(hash_equal(&hashes[lane], &expected));
            free(tagged[lane]);
            free(messages[lane]);
        }
    }
}

/* The root of the 2^height rows from `rows` on. */
static struct hash naive_root(const uint8_t *rows, size_t row_bytes, unsigned height)
{
    uint8_t message[256];

    if (height == 0) {
        memcpy(message, rows, row_bytes);
        message[row_bytes] = 0;
        return nettle_hash(message, row_bytes + 1);
    }
    for (size_t half = 0; half < 2; half++) {
        const size_t start = half * row_bytes << (height - 1);
        const struct hash child = naive_root(rows + start, row_bytes, height - 1);

        memcpy(message + half * HASH_BYTES, &child, HASH_BYTES);
    }
    message[2 * HASH_BYTES] = 1;
    return nettle_hash(message, 2 * HASH_BYTES + 1);
}

static uint8_t *random_rows(size_t bytes, uint64_t random)
{
    uint8_t *rows = workload_alloc(bytes);

    for (size_t i = 0; i < bytes; i++)
        rows[i] = (uint8_t)workload_random(&random);
    return rows;
}

static void root_is_that_of_the_recursion(void **state)
{
    (void)state;
    for (unsigned height = 0; height <= 11; height++)
        for (size_t row_bytes = 4; row_bytes <= 128; row_bytes += 31) {
            uint8_t *rows = random_rows(row_bytes << height, height + row_bytes);
            const struct hash expected = naive_root(rows, row_bytes, height);
            struct merkle tree;

            merkle_commit(&tree, rows, row_bytes, height);
            assert_true(hash_equal(merkle_root(&tree), &expected));
            merkle_free(&tree);
            free(rows);
        }
}

static void root_does_not_depend_on_threads(void **state)
{
    uint8_t *rows = random_rows((size_t)64 << 10, 3);
    const struct hash expected = naive_root(rows, 64, 10);

    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct merkle tree;

        omp_set_num_threads(threads);
        merkle_commit(&tree, rows, 64, 10);
        assert_true(hash_equal(merkle_root(&tree), &expected));
        merkle_free(&tree);
    }
    omp_set_num_threads(1);
    free(rows);
}

/* Accepts each row only at its own index; no other row; no path with a flipped bit; no other
 * root. */
static void opens_its_rows_only(void **state)
{
    enum { height = 5, row_bytes = 20 };
    uint8_t *rows = random_rows((size_t)row_bytes << height, 4);
    struct merkle tree;

    (void)state;
    merkle_commit(&tree, rows, row_bytes, height);
    for (size_t index = 0; index < (size_t)1 << height; index++) {
        uint8_t *row = rows + index * row_bytes;
        struct hash path[height], root = *merkle_root(&tree);

        merkle_open(&tree, index, path);
        for (size_t other = 0; other < (size_t)1 << height; other++)
            assert_int_equal(merkle_verify(&root, height, other, row, row_bytes, path),
                             other == index);
        for (size_t i = 0; i < sizeof path; i++) {
            ((uint8_t *)path)[i] ^= 1;
            assert_false(merkle_verify(&root, height, index, row, row_bytes, path));
            ((uint8_t *)path)[i] ^= 1;
        }
        for (size_t i = 0; i < row_bytes; i++) {
            row[i] ^= 128;
            assert_false(merkle_verify(&root, height, index, row, row_bytes, path));
            row[i] ^= 128;
        }
        assert_false(merkle_verify(&root, height, index, row, row_bytes - 1, path));
        root.bytes[index] ^= 1;
        assert_false(merkle_verify(&root, height, index, row, row_bytes, path));
    }
    merkle_free(&tree);
    free(rows);
}

/* A row of two hashes is not taken for an inner node. */
static void takes_no_node_for_a_row(void **state)
{
    uint8_t *rows = random_rows(4 * 64, 5);
    struct hash path[2];
    struct merkle tree;

    (void)state;
    merkle_commit(&tree, rows, 64, 2);
    path[0] = tree.layers[1][1];
    assert_false(merkle_verify(merkle_root(&tree), 1, 0, tree.layers[0], 64, path));
    merkle_free(&tree);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_answers_of_the_standard),
        cmocka_unit_test(four_are_hashed_as_one_is),
        cmocka_unit_test(root_is_that_of_the_recursion),
        cmocka_unit_test(root_does_not_depend_on_threads),
        cmocka_unit_test(opens_its_rows_only),
        cmocka_unit_test(takes_no_node_for_a_row),
    };

    omp_set_num_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
