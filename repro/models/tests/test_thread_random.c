/*
 * test_thread_random.c - the model of a thread's random generator, and the cipher under it, on the ordinary allocator.
 */
#include "allocated.h"
#include "models/chacha.h"
#include "models/crates.h"
#include "models/thread_random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

/* Key, counter and stream all zeros: TC1 of draft-strombergson-chacha-test-vectors-01, 256 bits. */
static void the_cipher_is_chacha(void **state)
{
    static const unsigned char twelve[16] = {0x9b, 0xf4, 0x9a, 0x6a, 0x07, 0x55, 0xf9, 0x53,
                                             0x81, 0x1f, 0xce, 0x12, 0x5f, 0x26, 0x83, 0xd5};
    static const unsigned char twenty[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                             0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint32_t key[8];
    uint32_t block[CHACHA_BLOCK_WORDS];

    (void)state;
    chacha_block(12, key, 0, 0, block);
    assert_memory_equal(block, twelve, sizeof twelve);
    chacha_block(20, key, 0, 0, block);
    assert_memory_equal(block, twenty, sizeof twenty);
}

static void one_block_a_thread(size_t bytes)
{
    struct zk_stats before = allocated_so_far();

    thread_random();
    thread_random();
    assert_int_equal(allocated_since(&before).system_count, 1);
    assert_int_equal(allocated_since(&before).system_bytes, bytes);
    thread_random_end();
}

static void a_generator_is_one_block_made_at_the_first_use(void **state)
{
    (void)state;
    one_block_a_thread(368);
    crates_choose(CRATES_2026);
    one_block_a_thread(352);
    crates_choose(CRATES_DEBIAN12);
}

/* Takes more numbers than the buffer holds, and more than one key yields: none comes twice. */
static void numbers_differ(void **state)
{
    enum { count = 20000 };
    static uint64_t numbers[count];

    (void)state;
    for (size_t i = 0; i < count; i++)
        numbers[i] = thread_random();
    for (size_t i = 1; i < count; i++)
        for (size_t before = i < 64 ? 0 : i - 64; before < i; before++)
            assert_true(numbers[i] != numbers[before]);
    thread_random_end();
}

static void *draw(void *arg)
{
    *(uint64_t *)arg = thread_random();
    thread_random_end();
    return NULL;
}

static void each_thread_has_its_own_key(void **state)
{
    uint64_t drawn[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, draw, &drawn[i]), 0);
        pthread_join(thread, NULL);
    }
    assert_true(drawn[0] != drawn[1]);
}

/* The predicted numbers are the cipher's output with the overwriting data as key, counter and
 * stream. */
static void what_is_foretold_is_the_stream_of_the_data(void **state)
{
    const uint64_t word = UINT64_C(0x0123456789abcdef);
    uint32_t key[8];
    uint32_t block[CHACHA_BLOCK_WORDS];
    uint64_t numbers[32];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        memcpy(key + 2 * i, &word, sizeof word);
    assert_int_equal(thread_random_foretell(word, numbers, 32), 32);
    for (uint64_t i = 0; i < 4; i++) {
        chacha_block(12, key, word + i, word, block);
        assert_memory_equal(numbers + 8 * i, block, sizeof block);
    }
    crates_choose(CRATES_2026);
    assert_int_equal(thread_random_foretell(word, numbers, 1), 1);
    chacha_block(12, key, word, word, block);
    assert_memory_equal(numbers, block, sizeof numbers[0]);
    crates_choose(CRATES_DEBIAN12);
}

/* If the count of bytes until the next key was overwritten with a negative number, the generator
 * takes a new key at once. */
static void a_generator_may_heal(void **state)
{
    uint64_t numbers[1];

    (void)state;
    assert_int_equal(thread_random_foretell(UINT64_C(0xAAAAAAAAAAAAAAAA), numbers, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cipher_is_chacha),
        cmocka_unit_test(a_generator_is_one_block_made_at_the_first_use),
        cmocka_unit_test(numbers_differ),
        cmocka_unit_test(each_thread_has_its_own_key),
        cmocka_unit_test(what_is_foretold_is_the_stream_of_the_data),
        cmocka_unit_test(a_generator_may_heal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
