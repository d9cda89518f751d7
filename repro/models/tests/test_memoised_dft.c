/*
 * test_memoised_dft.c - compares the transform with its definition, and checks what it allocates
 * and when, on the ordinary allocator.
 */
#include "allocated.h"
#include "models/memoised_dft.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum { height_most = 2048 };

static void indices_are_reversed(void **state)
{
    (void)state;
    assert_int_equal(dft_reversed(0, 2), 0);
    assert_int_equal(dft_reversed(1, 2), 1);
    assert_int_equal(dft_reversed(1, 8), 4);
    assert_int_equal(dft_reversed(3, 8), 6);
    assert_int_equal(dft_reversed(6, 16), 6);
    for (size_t i = 0; i < height_most; i++)
        assert_int_equal(dft_reversed(dft_reversed(i, height_most), height_most), i);
}

static uint64_t coefficient(enum dft_field field, size_t i)
{
    return (i * 0x9E3779B97F4A7C15u + 1) % dft_order(field);
}

static void fill(enum dft_field field, uint64_t *values, size_t height)
{
    for (size_t i = 0; i < height; i++)
        values[i] = coefficient(field, i);
}

static uint64_t evaluate(enum dft_field field, size_t height, uint64_t x)
{
    unsigned __int128 sum = 0;

    for (size_t i = height; i-- > 0;)
        sum = ((unsigned __int128)dft_multiply(field, (uint64_t)sum, x) + coefficient(field, i)) %
              dft_order(field);
    return (uint64_t)sum;
}

/* 2^n-th roots, of that order and no smaller one. */
static void roots_have_their_order(void **state)
{
    (void)state;
    for (enum dft_field field = 0; field <= DFT_GOLDILOCKS; field++) {
        for (size_t height = 2; height <= height_most; height *= 2) {
            uint64_t root = dft_root(field, height);

            assert_int_equal(dft_power(field, root, height), 1);
            assert_int_equal(dft_power(field, root, height / 2), dft_order(field) - 1);
        }
    }
}

static void transforms_as_defined(void **state)
{
    static uint64_t values[height_most];
    struct memoised_dft dft;

    (void)state;
    for (enum dft_field field = 0; field <= DFT_GOLDILOCKS; field++) {
        assert_int_equal(memoised_dft_init(&dft, field), 0);
        for (size_t height = 2; height <= 256; height *= 2) {
            uint64_t root = dft_root(field, height);

            fill(field, values, height);
            assert_int_equal(memoised_dft_forward(&dft, values, height), 0);
            for (size_t i = 0; i < height; i++)
                assert_true(values[dft_reversed(i, height)] ==
                            evaluate(field, height, dft_power(field, root, i)));
        }
        memoised_dft_deinit(&dft);
    }
}

static void the_first_use_of_a_size_makes_the_table(void **state)
{
    static uint64_t values[height_most];
    struct memoised_dft dft;
    struct zk_stats before;

    (void)state;
    for (enum dft_field field = 0; field <= DFT_GOLDILOCKS; field++) {
        size_t element = dft_element_bytes(field);

        assert_int_equal(memoised_dft_init(&dft, field), 0);
        before = allocated_so_far();
        fill(field, values, height_most);
        assert_int_equal(memoised_dft_forward(&dft, values, height_most), 0);
        /* 1024, 512, ... 1 roots, and the list of these 11 */
        assert_int_equal(allocated_since(&before).system_count, 12);
        assert_int_equal(allocated_since(&before).system_bytes, 2047 * element + 11 * 24);
        assert_int_equal(memoised_dft_right_roots(&dft, height_most), 1024);

        before = allocated_so_far(); /* the same height and smaller ones allocate nothing */
        for (size_t height = height_most; height > 1; height /= 2) {
            fill(field, values, height);
            assert_int_equal(memoised_dft_forward(&dft, values, height), 0);
            assert_int_equal(memoised_dft_right_roots(&dft, height), height / 2);
        }
        assert_int_equal(allocated_since(&before).system_count, 0);
        memoised_dft_deinit(&dft);
    }
}

static void a_larger_size_makes_it_anew(void **state)
{
    static uint64_t values[64];
    struct memoised_dft dft;
    struct zk_stats before;

    (void)state;
    assert_int_equal(memoised_dft_init(&dft, DFT_BABYBEAR), 0);
    assert_int_equal(memoised_dft_right_roots(&dft, 32), 0);
    fill(DFT_BABYBEAR, values, 32);
    assert_int_equal(memoised_dft_forward(&dft, values, 32), 0);
    assert_int_equal(memoised_dft_right_roots(&dft, 64), 0);
    before = allocated_so_far();
    fill(DFT_BABYBEAR, values, 64);
    assert_int_equal(memoised_dft_forward(&dft, values, 64), 0);
    assert_int_equal(allocated_since(&before).system_bytes, 63 * 4 + 6 * 24);
    assert_true(values[0] == evaluate(DFT_BABYBEAR, 64, 1));
    memoised_dft_deinit(&dft);
}

enum { threads = 4 };

static void *transform(void *arg)
{
    struct memoised_dft *dft = arg;
    uint64_t values[256];

    for (unsigned round = 0; round < 50; round++) {
        size_t height = (size_t)2 << round % 8;

        fill(dft->field, values, height);
        if (memoised_dft_forward(dft, values, height) != 0 ||
            values[0] != evaluate(dft->field, height, 1))
            return dft;
    }
    return NULL;
}

/* Some look for roots while others make a larger table. */
static void threads_share_the_table(void **state)
{
    struct memoised_dft dft;
    pthread_t handles[threads];

    (void)state;
    assert_int_equal(memoised_dft_init(&dft, DFT_GOLDILOCKS), 0);
    for (int i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&handles[i], NULL, transform, &dft), 0);
    for (int i = 0; i < threads; i++) {
        void *failed;

        pthread_join(handles[i], &failed);
        assert_null(failed);
    }
    memoised_dft_deinit(&dft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices_are_reversed),
        cmocka_unit_test(roots_have_their_order),
        cmocka_unit_test(transforms_as_defined),
        cmocka_unit_test(the_first_use_of_a_size_makes_the_table),
        cmocka_unit_test(a_larger_size_makes_it_anew),
        cmocka_unit_test(threads_share_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
