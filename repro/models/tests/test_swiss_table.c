/*
 * test_swiss_table.c - the swiss table model against a reference, with both ways to compare a
 * group; its sizes and growth, which are those measured on Rust 1.95's HashMap; and when a lookup
 * stops.
 */
#include "models/swiss_table.h"
#include "zkalloc.h"

#include "allocated.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEYS = 1 << 13, OPERATIONS = 1000000 };

/* Deterministic, and not the table's own hash. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint64_t key_at(size_t i)
{
    return i * 0x100000001; /* spread, so that a key is not its index */
}

/* ---- Against a reference ---- */

struct reference {
    bool present[KEYS];
    uint64_t values[KEYS];
    size_t length;
};

static void check_control_bytes(const struct swiss_table *table)
{
    size_t buckets = table->bucket_mask + 1;
    size_t full = 0;
    size_t deleted = 0;

    if (table->bucket_mask == 0)
        return;
    for (size_t i = 0; i < buckets; i++) {
        full += table->control[i] < 0x80;
        deleted += table->control[i] == SWISS_TABLE_DELETED;
        assert_true(table->control[i] < 0x80 || table->control[i] == SWISS_TABLE_DELETED ||
                    table->control[i] == SWISS_TABLE_EMPTY);
    }
    assert_int_equal(full, table->items);
    assert_int_equal(table->growth_left,
                     (buckets <= 8 ? buckets - 1 : buckets / 8 * 7) - full - deleted);
    assert_memory_equal(table->control + (buckets < 16 ? 16 : buckets), table->control,
                        buckets < 16 ? buckets : 16);
    for (size_t i = buckets; i < 16; i++)
        assert_int_equal(table->control[i], SWISS_TABLE_EMPTY);
}

static void check_all(const struct swiss_table *table, const struct reference *reference)
{
    static bool seen[KEYS];
    struct swiss_table_iterator iterator;
    uint64_t key;
    uint64_t value;
    size_t count = 0;

    check_control_bytes(table);
    memset(seen, 0, sizeof seen);
    swiss_table_iterate(table, &iterator);
    while (swiss_table_next(&iterator, &key, &value)) {
        size_t i = (size_t)(key & UINT32_MAX);

        assert_true(i < KEYS && key == key_at(i) && reference->present[i] && !seen[i]);
        assert_true(value == reference->values[i]);
        seen[i] = true;
        count++;
    }
    assert_int_equal(count, reference->length);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(swiss_table_get(table, key_at(i), NULL), reference->present[i]);
}

static void operate(struct swiss_table *table, struct reference *reference, uint64_t random)
{
    size_t i = random % KEYS;
    uint64_t value = 0;
    bool found;

    switch (random >> 60) {
    case 0 ... 6:
        assert_int_equal(swiss_table_insert(table, key_at(i), random), 0);
        reference->length += !reference->present[i];
        reference->present[i] = true;
        reference->values[i] = random;
        break;
    case 7 ... 12:
        found = swiss_table_remove(table, key_at(i), &value);
        assert_int_equal(found, reference->present[i]);
        assert_true(!found || value == reference->values[i]);
        reference->length -= found;
        reference->present[i] = false;
        break;
    default:
        found = swiss_table_get(table, key_at(i), &value);
        assert_int_equal(found, reference->present[i]);
        assert_true(!found || value == reference->values[i]);
    }
    assert_int_equal(swiss_table_length(table), reference->length);
}

static void run_against_reference(struct swiss_table *table, bool portable)
{
    static struct reference reference;
    uint64_t seed = 88172645463325252;

    memset(&reference, 0, sizeof reference);
    swiss_table_use_portable_groups(portable);
    swiss_table_init(table);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        operate(table, &reference, next_random(&seed));
        if (i % 100000 == 99999)
            check_all(table, &reference);
        if (i % 250000 == 249999) {
            swiss_table_clear(table);
            memset(&reference, 0, sizeof reference);
            check_all(table, &reference);
        }
    }
    for (unsigned i = 0; i < 5000; i++)
        operate(table, &reference, next_random(&seed));
    check_all(table, &reference);
    swiss_table_use_portable_groups(false);
}

static void agrees_with_reference_and_groups_with_each_other(void **state)
{
    struct swiss_table fast;
    struct swiss_table portable;

    (void)state;
    run_against_reference(&fast, false);
    run_against_reference(&portable, true);
    assert_int_equal(fast.bucket_mask, portable.bucket_mask);
    assert_int_equal(fast.growth_left, portable.growth_left);
    assert_memory_equal(fast.control, portable.control, fast.bucket_mask + 17);
    swiss_table_deinit(&fast);
    swiss_table_deinit(&portable);
}

/* Small tables, where a group is larger than the table, and full ones. */
static void small_and_full_tables(void **state)
{
    (void)state;
    for (unsigned portable = 0; portable < 2; portable++) {
        swiss_table_use_portable_groups(portable != 0);
        for (size_t capacity = 1; capacity < 130; capacity++) {
            struct swiss_table table;
            size_t room;

            assert_int_equal(swiss_table_init_with_capacity(&table, capacity), 0);
            room = swiss_table_capacity(&table);
            assert_true(room >= capacity);
            for (uint64_t round = 0; round < 20; round++) {
                for (uint64_t key = 0; key < room; key++)
                    assert_int_equal(swiss_table_insert(&table, key + round, key), 0);
                check_control_bytes(&table);
                assert_false(swiss_table_get(&table, room + round, NULL));
                for (uint64_t key = 0; key < room; key++)
                    assert_true(swiss_table_remove(&table, key + round, NULL));
                check_control_bytes(&table);
            }
            assert_int_equal(swiss_table_length(&table), 0);
            swiss_table_deinit(&table);
        }
    }
    swiss_table_use_portable_groups(false);
}

/* ---- Sizes and growth ---- */

static void sizes_are_those_of_hash_map(void **state)
{
    const struct {
        size_t capacity;
        size_t bytes;
    } seen[] = {
        {1, 84},       {3, 84},       {4, 152},      {7, 152},       {8, 288},
        {14, 288},     {15, 560},     {28, 560},     {29, 1104},     {100, 2192},
        {1000, 34832}, {1792, 34832}, {1793, 69648}, {4096, 139280},
    };

    (void)state;
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        struct zk_stats before = allocated_so_far();
        struct swiss_table table;

        assert_int_equal(swiss_table_init_with_capacity(&table, seen[i].capacity), 0);
        assert_int_equal(allocated_since(&before).system_count, 1);
        assert_int_equal(allocated_since(&before).system_bytes, seen[i].bytes);
        assert_int_equal(swiss_table_block_bytes(&table, 8), seen[i].bytes);
        assert_int_equal(swiss_table_block_bytes_for(seen[i].capacity), seen[i].bytes);
        swiss_table_deinit(&table);
    }
    assert_int_equal(swiss_table_block_bytes_for(0), 0);
    assert_int_equal(swiss_table_sized_block_bytes_for(24, 3), 148); /* extensions of a span */
    assert_int_equal(swiss_table_sized_block_bytes_for(24, 4), 280);
}

static void grows_at_seven_eighths(void **state)
{
    const size_t bytes[] = {84, 152, 288, 560, 1104, 2192, 4368, 8720, 17424};
    struct swiss_table table;
    size_t grown = 0;

    (void)state;
    swiss_table_init(&table);
    assert_int_equal(swiss_table_block_bytes(&table, 8), 0);
    for (uint64_t key = 0; key < 500; key++) {
        struct zk_stats before = allocated_so_far();
        bool full = swiss_table_length(&table) == swiss_table_capacity(&table);

        assert_int_equal(swiss_table_insert(&table, key, ~key), 0);
        assert_int_equal(allocated_since(&before).system_count, full);
        if (full)
            assert_int_equal(allocated_since(&before).system_bytes, bytes[grown++]);
    }
    assert_int_equal(grown, sizeof bytes / sizeof bytes[0]);
    for (uint64_t key = 0; key < 500; key++) {
        uint64_t value;

        assert_true(swiss_table_get(&table, key, &value) && value == ~key);
    }
    swiss_table_deinit(&table);
}

static void check_keys(const struct swiss_table *table, uint64_t first, uint64_t last)
{
    uint64_t value;

    check_control_bytes(table);
    assert_int_equal(swiss_table_length(table), last - first + 1);
    for (uint64_t key = first; key <= last; key++)
        assert_true(swiss_table_get(table, key, &value) && value == ~key);
}

/* Inserts new keys, live of them at a time, into a table for 100; returns what it allocates. */
static struct zk_stats churn(uint64_t live, size_t *block_bytes)
{
    struct swiss_table table;
    struct zk_stats before;
    struct zk_stats after;

    assert_int_equal(swiss_table_init_with_capacity(&table, 100), 0);
    before = allocated_so_far();
    for (uint64_t key = 0; key < 100000; key++) {
        size_t growth_left = table.growth_left;

        assert_int_equal(swiss_table_insert(&table, key, ~key), 0);
        if (table.growth_left > growth_left) /* deleted entries were just cleared out */
            check_keys(&table, key < live ? 0 : key - live, key);
        if (key >= live)
            assert_true(swiss_table_remove(&table, key - live, NULL));
    }
    after = allocated_so_far();
    check_keys(&table, 100000 - live, 99999);
    *block_bytes = swiss_table_block_bytes(&table, 8);
    swiss_table_deinit(&table);
    after.system_count -= before.system_count;
    after.system_bytes -= before.system_bytes;
    return after;
}

/* As measured on HashMap: in place if half of the table is enough; else the table grows, once. */
static void deleted_entries_are_sorted_out_in_place(void **state)
{
    struct zk_stats allocated;
    size_t block_bytes;

    (void)state;
    allocated = churn(50, &block_bytes);
    assert_int_equal(allocated.system_count, 0);
    assert_int_equal(block_bytes, 2192);
    allocated = churn(100, &block_bytes);
    assert_int_equal(allocated.system_count, 1);
    assert_int_equal(allocated.system_bytes, 4368);
    assert_int_equal(block_bytes, 4368);
}

/* Seventeen keys whose probes all start at bucket 120 of 128: their first group wraps round the end
 * of the table, and the last key is after that group. It is the first to be placed, in the bucket
 * of one that is not placed yet. */
static void unsorted_entries_make_way(void **state)
{
    struct swiss_table table;
    uint64_t keys[17];
    uint64_t key = 0;
    uint64_t value;

    (void)state;
    assert_int_equal(swiss_table_init_with_capacity(&table, 100), 0);
    for (unsigned i = 0; i < 17; i++) {
        while ((swiss_table_hash(key) & 127) != 120)
            key++;
        keys[i] = key++;
        assert_int_equal(swiss_table_insert(&table, keys[i], i), 0);
    }
    assert_true(table.control[7] < 0x80 && table.control[8] < 0x80 && table.control[9] >= 0x80);
    /* As if other keys had been removed. */
    memset(table.control + 16, SWISS_TABLE_DELETED, 100 - 16);
    table.growth_left = 0;
    assert_int_equal(swiss_table_insert(&table, key, 17), 0);
    assert_int_equal(swiss_table_block_bytes(&table, 8), 2192);
    assert_int_equal(swiss_table_length(&table), 18);
    check_control_bytes(&table);
    for (unsigned i = 0; i < 17; i++)
        assert_true(swiss_table_get(&table, keys[i], &value) && value == i);
    assert_true(swiss_table_get(&table, key, &value) && value == 17);
    swiss_table_deinit(&table);
}

static void clear_keeps_the_block(void **state)
{
    struct swiss_table table;
    struct zk_stats before;
    const uint8_t *control;

    (void)state;
    assert_int_equal(swiss_table_init_with_capacity(&table, 1000), 0);
    control = table.control;
    before = allocated_so_far();
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t key = 0; key < 1792; key++)
            assert_int_equal(swiss_table_insert(&table, key * 3 + round, key), 0);
        swiss_table_clear(&table);
        assert_ptr_equal(table.control, control);
        assert_int_equal(swiss_table_length(&table), 0);
        assert_int_equal(swiss_table_capacity(&table), 1792);
        for (size_t i = 0; i < 2048 + 16; i++)
            assert_int_equal(table.control[i], SWISS_TABLE_EMPTY);
    }
    assert_int_equal(allocated_so_far().system_count, before.system_count);
    swiss_table_deinit(&table);
}

static void too_much_is_refused(void **state)
{
    struct swiss_table table;

    (void)state;
    errno = 0;
    assert_int_equal(swiss_table_init_with_capacity(&table, SIZE_MAX), -1);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_int_equal(swiss_table_init_with_capacity(&table, SIZE_MAX / 32), -1);
    assert_int_equal(errno, ENOMEM);
    assert_false(swiss_table_get(&table, 1, NULL));
    assert_false(swiss_table_remove(&table, 1, NULL));
    swiss_table_clear(&table);
    assert_int_equal(swiss_table_init_with_capacity(&table, 0), 0);
    assert_int_equal(swiss_table_insert(&table, 1, 2), 0);
    swiss_table_deinit(&table);
    swiss_table_deinit(&table);
}

/* ---- Control bytes ---- */

/* The bucket of the only key in a table. */
static size_t bucket_of_only(const struct swiss_table *table)
{
    size_t i = 0;

    while (table->control[i] >= 0x80)
        i++;
    return i;
}

static void control_byte_is_the_top_of_the_hash(void **state)
{
    struct swiss_table table;

    (void)state;
    assert_int_equal(swiss_table_init_with_capacity(&table, 100), 0);
    for (uint64_t key = 0; key < 1000; key++) {
        size_t bucket;

        assert_int_equal(swiss_table_insert(&table, key, 0), 0);
        bucket = bucket_of_only(&table);
        assert_int_equal(bucket, swiss_table_hash(key) & 127);
        assert_int_equal(table.control[bucket], swiss_table_hash(key) >> 57);
        assert_true(swiss_table_remove(&table, key, NULL));
        assert_int_equal(table.control[bucket], SWISS_TABLE_EMPTY);
    }
    swiss_table_deinit(&table);
}

/* Removes the only real key from a run of before + 1 + after buckets in use; the other control
 * bytes are faked. */
static uint8_t control_after_removal(size_t before, size_t after, bool *grew)
{
    struct swiss_table table;
    size_t growth_left;
    size_t bucket;
    uint8_t byte;

    assert_int_equal(swiss_table_init_with_capacity(&table, 100), 0);
    assert_int_equal(swiss_table_insert(&table, 5, 0), 0);
    bucket = bucket_of_only(&table);
    assert_true(bucket >= 16 && bucket < 128 - 32);
    for (size_t i = bucket - before; i <= bucket + after; i++)
        if (i != bucket)
            table.control[i] = (uint8_t)(table.control[bucket] ^ 1);
    growth_left = table.growth_left;
    assert_true(swiss_table_remove(&table, 5, NULL));
    byte = table.control[bucket];
    *grew = table.growth_left == growth_left + 1;
    swiss_table_deinit(&table);
    return byte;
}

static void removal_leaves_deleted_in_runs_of_a_group(void **state)
{
    (void)state;
    for (unsigned portable = 0; portable < 2; portable++) {
        swiss_table_use_portable_groups(portable != 0);
        for (size_t before = 0; before <= 16; before++)
            for (size_t after = 0; after <= 16; after++) {
                bool long_run = before + 1 + after >= 16;
                bool grew;
                uint8_t byte = control_after_removal(before, after, &grew);

                assert_int_equal(byte, long_run ? SWISS_TABLE_DELETED : SWISS_TABLE_EMPTY);
                assert_int_equal(grew, !long_run);
            }
    }
    swiss_table_use_portable_groups(false);
}

/* ---- When a lookup stops ---- */

enum call { GET, INSERT, REMOVE };

/* Does the call return? It is made in a child, which is ended after 0.2 s of processor time. */
static bool returns(struct swiss_table *table, enum call call, bool portable)
{
    const struct itimerval limit = {.it_value = {.tv_usec = 200000}};
    pid_t child = fork();
    int status;

    assert_int_not_equal(child, -1);
    if (child == 0) {
        swiss_table_use_portable_groups(portable);
        setitimer(ITIMER_PROF, &limit, NULL);
        if (call == GET)
            swiss_table_get(table, 12345, NULL);
        else if (call == INSERT)
            swiss_table_insert(table, 12345, 0);
        else
            swiss_table_remove(table, 12345, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF));
    return status == 0;
}

static void overwrite(struct swiss_table *table, int filler)
{
    size_t bytes = swiss_table_block_bytes(table, 8);

    memset(table->control + table->bucket_mask + 17 - bytes, filler, bytes);
}

static void without_an_empty_byte_nothing_returns(void **state)
{
    const int fillers[] = {0xAA, 0x55, 0x00, 0x80};
    struct swiss_table table;

    (void)state;
    assert_int_equal(swiss_table_init_with_capacity(&table, 1000), 0);
    for (unsigned i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        table.items = 0; /* an overwritten table cannot be cleared */
        overwrite(&table, SWISS_TABLE_EMPTY);
        assert_int_equal(swiss_table_insert(&table, 1, 1), 0);
        overwrite(&table, fillers[i]);
        assert_false(returns(&table, GET, i % 2 != 0));
        assert_false(returns(&table, REMOVE, i % 2 == 0));
        assert_false(returns(&table, INSERT, i % 2 != 0));
    }
    overwrite(&table, 0xFF); /* 0xFF is EMPTY: by chance, a table like new */
    assert_true(returns(&table, GET, false) && returns(&table, REMOVE, true) &&
                returns(&table, INSERT, false));
    assert_false(swiss_table_get(&table, 1, NULL));
    swiss_table_deinit(&table);
}

/* A table that was emptied before it was overwritten, as in a pool. */
static void an_emptied_table_can_be_read_but_not_filled(void **state)
{
    struct swiss_table table;

    (void)state;
    assert_int_equal(swiss_table_init_with_capacity(&table, 100), 0);
    assert_int_equal(swiss_table_insert(&table, 1, 1), 0);
    swiss_table_clear(&table);
    overwrite(&table, 0xAA);
    assert_true(returns(&table, GET, false));
    swiss_table_clear(&table); /* no items, so it does nothing and repairs nothing */
    assert_int_equal(table.control[0], 0xAA);
    assert_false(returns(&table, INSERT, false));
    assert_false(returns(&table, REMOVE, false));
    swiss_table_deinit(&table);
}

/* One EMPTY byte, wherever it is, ends every probe: all groups are visited. */
static void one_empty_byte_is_enough(void **state)
{
    struct swiss_table table;

    (void)state;
    assert_int_equal(swiss_table_init_with_capacity(&table, 1000), 0);
    for (size_t empty = 16; empty < 2048; empty += 13) {
        table.items = 1;
        overwrite(&table, SWISS_TABLE_DELETED);
        table.control[empty] = SWISS_TABLE_EMPTY;
        for (uint64_t key = 0; key < 50; key++)
            assert_false(swiss_table_get(&table, key, NULL));
        assert_int_equal(swiss_table_insert(&table, 99, 100), 0);
        assert_true(swiss_table_get(&table, 99, NULL));
    }
    swiss_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_reference_and_groups_with_each_other),
        cmocka_unit_test(small_and_full_tables),
        cmocka_unit_test(sizes_are_those_of_hash_map),
        cmocka_unit_test(grows_at_seven_eighths),
        cmocka_unit_test(deleted_entries_are_sorted_out_in_place),
        cmocka_unit_test(unsorted_entries_make_way),
        cmocka_unit_test(clear_keeps_the_block),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(control_byte_is_the_top_of_the_hash),
        cmocka_unit_test(removal_leaves_deleted_in_runs_of_a_group),
        cmocka_unit_test(without_an_empty_byte_nothing_returns),
        cmocka_unit_test(an_emptied_table_can_be_read_but_not_filled),
        cmocka_unit_test(one_empty_byte_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
