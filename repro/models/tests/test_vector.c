/*
 * test_vector.c - growth, retention and errors of the vector model. The sequences are those of
 * Rust 1.95.
 */
#include "models/vector.h"
#include "zkalloc.h"

#include "allocated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

/* Pushes until the vector has grown as often as there are capacities, and checks each. */
static void check_growth(size_t element_bytes, const size_t *capacities, size_t count)
{
    static const unsigned char element[2048];
    struct vector vector;
    size_t grown = 0;

    vector_init(&vector);
    while (grown < count) {
        struct zk_stats before = allocated_so_far();
        size_t capacity = vector.capacity;
        bool full = vector.length == capacity;

        assert_int_equal(vector_push(&vector, element_bytes, element), 0);
        assert_int_equal(allocated_since(&before).system_count, full);
        if (!full) {
            assert_int_equal(vector.capacity, capacity);
            continue;
        }
        assert_int_equal(vector.capacity, capacities[grown]);
        assert_int_equal(allocated_since(&before).system_bytes, capacities[grown] * element_bytes);
        assert_true(zk_usable_size(vector.data) >= capacities[grown] * element_bytes);
        grown++;
    }
    vector_deinit(&vector);
}

static void grows_as_raw_vec(void **state)
{
    (void)state;
    check_growth(1, (const size_t[]){8, 16, 32, 64, 128}, 5);
    check_growth(2, (const size_t[]){4, 8, 16}, 3);
    check_growth(16, (const size_t[]){4, 8, 16, 32}, 4);
    check_growth(1024, (const size_t[]){4, 8}, 2);
    check_growth(1025, (const size_t[]){1, 2, 4, 8}, 4);
}

static void reserves_at_least_twice(void **state)
{
    static const unsigned char bytes[128];
    struct vector vector;

    (void)state;
    assert_int_equal(vector_init_with_capacity(&vector, 1, 5), 0);
    assert_int_equal(vector_extend(&vector, 1, bytes, 5), 0);
    assert_int_equal(vector.capacity, 5);
    assert_int_equal(vector_extend(&vector, 1, bytes, 100), 0);
    assert_int_equal(vector.capacity, 105);
    assert_int_equal(vector_extend(&vector, 1, bytes, 3), 0);
    assert_int_equal(vector.capacity, 210);
    assert_int_equal(vector_extend(&vector, 1, bytes, 103), 0);
    assert_int_equal(vector.capacity, 420);
    assert_int_equal(vector.length, 211);
    vector_deinit(&vector);
}

static void keeps_elements_and_order(void **state)
{
    struct vector vector;

    (void)state;
    vector_init(&vector);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(vector_push(&vector, sizeof i, &i), 0);
    vector_remove(&vector, sizeof(uint64_t), 999);
    vector_remove(&vector, sizeof(uint64_t), 500);
    vector_remove(&vector, sizeof(uint64_t), 0);
    assert_int_equal(vector.length, 997);
    for (uint64_t i = 0; i < 997; i++) {
        const uint64_t *element = vector_at(&vector, sizeof i, i);

        assert_int_equal(*element, i + 1 + (i >= 499));
    }
    assert_null(vector_at(&vector, sizeof(uint64_t), 997));
    vector_deinit(&vector);
}

static void clear_keeps_the_block(void **state)
{
    struct vector vector;
    struct zk_stats before;
    const void *block;

    (void)state;
    assert_int_equal(vector_init_with_capacity(&vector, 1, 8192), 0);
    block = vector.data;
    before = allocated_so_far();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8192; i++)
            assert_int_equal(vector_push(&vector, 1, "x"), 0);
        vector_clear(&vector);
        assert_int_equal(vector.length, 0);
        assert_ptr_equal(vector.data, block);
    }
    assert_int_equal(vector_block_bytes(&vector, 1), 8192);
    assert_int_equal(allocated_so_far().system_count, before.system_count);
    assert_int_equal(vector_push(&vector, 1, "x"), 0);
    assert_ptr_equal(vector_at(&vector, 1, 0), block);
    vector_deinit(&vector);
    assert_null(vector.data);
    assert_int_equal(vector_block_bytes(&vector, 1), 0);
}

static void too_much_is_refused(void **state)
{
    struct vector vector;

    (void)state;
    errno = 0;
    assert_int_equal(vector_init_with_capacity(&vector, 16, SIZE_MAX / 8), -1);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_int_equal(vector_init_with_capacity(&vector, 1, (size_t)PTRDIFF_MAX + 1), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(vector_init_with_capacity(&vector, 8, 0), 0);
    assert_null(vector.data);
    assert_int_equal(vector_push(&vector, 1, "x"), 0);
    errno = 0;
    assert_int_equal(vector_reserve(&vector, 1, SIZE_MAX), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(vector_reserve(&vector, 1, PTRDIFF_MAX), -1);
    assert_int_equal(vector.capacity, 8);
    assert_int_equal(*(char *)vector_at(&vector, 1, 0), 'x');
    vector_deinit(&vector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_as_raw_vec),         cmocka_unit_test(reserves_at_least_twice),
        cmocka_unit_test(keeps_elements_and_order), cmocka_unit_test(clear_keeps_the_block),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
