/*
 * test_btree_map.c - nodes, growth and removal of the B-tree model, on the ordinary allocator,
 * compared with an array of what should be in it.
 */
#include "allocated.h"
#include "models/btree_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct btree_value value_of(uint64_t key)
{
    return (struct btree_value){{key, ~key, key * 3, key + 1, 7}};
}

static void insert(struct btree_map *map, uint64_t key)
{
    struct btree_value value = value_of(key);

    assert_int_equal(btree_insert(map, key, &value), 0);
}

static void check_present(const struct btree_map *map, uint64_t key, bool present)
{
    struct btree_value wanted = value_of(key);
    const struct btree_value *value = btree_get(map, key);

    assert_int_equal(value != NULL, present);
    if (present)
        assert_memory_equal(value, &wanted, sizeof wanted);
}

/* What std's table of threads was seen to allocate: a leaf at the first entry; at the 12th another
 * leaf, and the node above both. */
static void the_twelfth_entry_splits_the_leaf(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 3; order++) { /* rising, falling, from the middle outwards */
        struct btree_map map = {0};

        for (uint64_t i = 0; i < 12; i++) {
            uint64_t keys[] = {i, 100 - i, i % 2 == 0 ? 50 + i : 50 - i};
            struct zk_stats before = allocated_so_far();
            uint64_t bytes;
            uint64_t count;

            insert(&map, keys[order]);
            bytes = allocated_since(&before).system_bytes;
            count = allocated_since(&before).system_count;
            assert_int_equal(count, i == 0 ? 1 : i == 11 ? 2 : 0);
            assert_int_equal(bytes, i == 0 ? 544 : i == 11 ? 544 + 640 : 0);
            assert_true(btree_is_sound(&map));
        }
        assert_int_equal(map.height, 1);
        btree_deinit(&map);
    }
}

static void a_removed_entry_may_give_nodes_back(void **state)
{
    struct btree_map map = {0};
    struct zk_stats before;

    (void)state;
    for (uint64_t key = 0; key < 12; key++)
        insert(&map, key);
    assert_int_equal(map.height, 1); /* leaves of 6 and 5 below the root */
    assert_true(btree_remove(&map, 3));
    assert_int_equal(map.height, 1);
    assert_true(btree_remove(&map, 2)); /* 4 entries are too few, and one leaf has room for all */
    assert_true(btree_is_sound(&map));
    assert_int_equal(map.height, 0);
    before = allocated_so_far();
    insert(&map, 3);
    assert_int_equal(allocated_since(&before).system_count, 0);
    insert(&map, 2);
    assert_int_equal(allocated_since(&before).system_bytes, 544 + 640);
    btree_deinit(&map);
}

/* Where a full leaf is split depends on where the new entry goes: of the 12 entries, one is between
 * the leaves, and the left leaf has 5 and the right one 6, or the other way round. Removing the
 * smallest entries tells which: the leaves merge as soon as the left one has 4 entries, since 4 + 1
 * + 6 and 4 + 1 + 5 both fit into one leaf. */
static void a_full_leaf_is_split_beside_the_new_entry(void **state)
{
    static const unsigned removals[12] = {1, 1, 1, 1, 1, 2, 1, 2, 2, 2, 2, 2};

    (void)state;
    for (uint64_t place = 0; place < 12; place++) {
        struct btree_map map = {0};
        unsigned removed = 0;

        for (uint64_t i = 0; i < 12; i++)
            if (i != place)
                insert(&map, i);
        assert_int_equal(map.height, 0);
        insert(&map, place);
        assert_int_equal(map.height, 1);
        while (map.height == 1)
            assert_true(btree_remove(&map, removed++));
        assert_int_equal(removed, removals[place]);
        assert_true(btree_is_sound(&map));
        btree_deinit(&map);
    }
}

static void an_empty_map_keeps_a_leaf(void **state)
{
    struct btree_map map = {0};
    struct zk_stats before;

    (void)state;
    check_present(&map, 1, false);
    assert_false(btree_remove(&map, 1));
    insert(&map, 1);
    assert_true(btree_remove(&map, 1));
    assert_int_equal(map.length, 0);
    before = allocated_so_far();
    insert(&map, 2);
    assert_int_equal(allocated_since(&before).system_count, 0);
    btree_deinit(&map);
    assert_true(btree_is_sound(&map));
}

static void a_second_insert_replaces_the_value(void **state)
{
    struct btree_map map = {0};
    struct btree_value other = value_of(99);

    (void)state;
    for (uint64_t key = 0; key < 40; key++)
        insert(&map, key);
    for (uint64_t key = 0; key < 40; key++) {
        assert_int_equal(btree_insert(&map, key, &other), 0);
        assert_memory_equal(btree_get(&map, key), &other, sizeof other);
    }
    assert_int_equal(map.length, 40);
    btree_deinit(&map);
}

enum { keys = 3000, steps = 60000 };

/* Random inserts and removals, the same in every run: the map grows to three levels and shrinks to
 * none. */
static void holds_what_it_should_at_every_step(void **state)
{
    static bool present[keys];
    struct btree_map map = {0};
    uint64_t random = 1;
    size_t length = 0;
    size_t highest = 0;

    (void)state;
    for (unsigned step = 0; step < steps; step++) {
        uint64_t key;
        bool growing = step / (steps / 4) % 2 == 0;

        random = random * 6364136223846793005u + 1442695040888963407u;
        key = (random >> 33) % keys;
        if ((random >> 60) < (growing ? 13 : 3)) {
            length += !present[key];
            insert(&map, key);
            present[key] = true;
        } else {
            assert_int_equal(btree_remove(&map, key), present[key]);
            length -= present[key];
            present[key] = false;
        }
        assert_int_equal(map.length, length);
        if (step % 16 == 0)
            assert_true(btree_is_sound(&map));
        check_present(&map, key, present[key]);
        if (map.height > highest)
            highest = map.height;
    }
    assert_true(highest >= 2);
    for (uint64_t key = 0; key < keys; key++) {
        check_present(&map, key, present[key]);
        assert_int_equal(btree_remove(&map, key), present[key]);
        if (key % 16 == 0)
            assert_true(btree_is_sound(&map));
    }
    assert_int_equal(map.length, 0);
    assert_int_equal(map.height, 0);
    btree_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twelfth_entry_splits_the_leaf),
        cmocka_unit_test(a_removed_entry_may_give_nodes_back),
        cmocka_unit_test(a_full_leaf_is_split_beside_the_new_entry),
        cmocka_unit_test(an_empty_map_keeps_a_leaf),
        cmocka_unit_test(a_second_insert_replaces_the_value),
        cmocka_unit_test(holds_what_it_should_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
