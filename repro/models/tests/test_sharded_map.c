/*
 * test_sharded_map.c - the concurrent map model's sizes, shards, and use by several threads, on the
 * ordinary allocator. The 56 bytes of a shard were measured with dashmap 5.4.0.
 */
#include "allocated.h"
#include "models/crates.h"
#include "models/sharded_map.h"
#include "models/swiss_table.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static void shards_follow_the_processors(void **state)
{
    static const size_t wanted[][2] = {{1, 4},    {2, 8},    {3, 16},  {4, 16},   {7, 32},
                                       {8, 32},   {9, 64},   {16, 64}, {17, 128}, {31, 128},
                                       {32, 128}, {33, 256}, {64, 256}};

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_int_equal(sharded_map_default_shards(wanted[i][0]), wanted[i][1]);
}

static void sizes_are_the_real_ones(void **state)
{
    struct zk_stats before = allocated_so_far();
    struct sharded_map map;

    (void)state;
    crates_choose(CRATES_2026);
    assert_int_equal(sharded_map_init(&map, 32), 0);
    assert_int_equal(allocated_since(&before).system_count, 1);
    assert_int_equal(allocated_since(&before).system_bytes, 4096);
    assert_int_equal((uintptr_t)map.shards % 128, 0);
    sharded_map_deinit(&map);

    before = allocated_so_far();
    crates_choose(CRATES_DEBIAN12);
    assert_int_equal(sharded_map_init(&map, 8), 0);
    assert_int_equal(allocated_since(&before).system_bytes, 448);
    before = allocated_so_far();
    assert_int_equal(sharded_map_insert(&map, 1, 2), 0); /* the shard's table, of 4 buckets */
    assert_int_equal(allocated_since(&before).system_bytes, 84);
    sharded_map_deinit(&map);
}

static void keeps_what_it_is_given(void **state)
{
    struct sharded_map map;
    uint64_t value;

    (void)state;
    for (enum crates crates = CRATES_DEBIAN12; crates <= CRATES_2026; crates++) {
        crates_choose(crates);
        assert_int_equal(sharded_map_init(&map, 16), 0);
        for (uint64_t key = 0; key < 1000; key++)
            assert_int_equal(sharded_map_insert(&map, key, ~key), 0);
        for (uint64_t key = 0; key < 1000; key += 2)
            assert_true(sharded_map_remove(&map, key));
        assert_false(sharded_map_remove(&map, 0));
        for (uint64_t key = 0; key < 1000; key++) {
            assert_int_equal(sharded_map_get(&map, key, &value), key % 2);
            if (key % 2 == 1)
                assert_int_equal(value, ~key);
        }
        sharded_map_deinit(&map);
    }
}

/* Keys are spread over all shards, and no shard's number is out of range. */
static void every_shard_is_used(void **state)
{
    struct sharded_map map;
    unsigned used[64] = {0};

    (void)state;
    assert_int_equal(sharded_map_init(&map, 64), 0);
    for (uint64_t key = 0; key < 64 * 64; key++) {
        size_t shard = sharded_map_shard_of(&map, key);

        assert_true(shard < 64);
        /* The bits below the 7 that the table uses. */
        assert_int_equal(shard, swiss_table_hash(key) >> 51 & 63);
        used[shard]++;
    }
    for (size_t i = 0; i < 64; i++)
        assert_in_range(used[i], 32, 128);
    sharded_map_deinit(&map);
}

enum { threads = 4, each = 20000 };

static void *insert_and_read(void *arg)
{
    struct sharded_map *map = arg;
    static _Atomic unsigned next;
    uint64_t first = (uint64_t)next++ * each;
    uint64_t value;

    for (uint64_t key = first; key < first + each; key++) {
        if (sharded_map_insert(map, key, key + 1) != 0 || !sharded_map_get(map, key, &value) ||
            value != key + 1)
            return map;
    }
    return NULL;
}

static void threads_share_the_shards(void **state)
{
    struct sharded_map map;
    pthread_t handles[threads];
    uint64_t value;

    (void)state;
    assert_int_equal(sharded_map_init(&map, 2), 0);
    for (int i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&handles[i], NULL, insert_and_read, &map), 0);
    for (int i = 0; i < threads; i++) {
        void *failed;

        pthread_join(handles[i], &failed);
        assert_null(failed);
    }
    for (uint64_t key = 0; key < threads * each; key++) {
        assert_true(sharded_map_get(&map, key, &value));
        assert_int_equal(value, key + 1);
    }
    sharded_map_deinit(&map);
}

static void too_much_is_refused(void **state)
{
    struct sharded_map map;

    (void)state;
    errno = 0;
    assert_int_equal(sharded_map_init(&map, (size_t)1 << 62), -1);
    assert_int_equal(errno, ENOMEM);
}

/* ---- The lock's word, which is at the front of a shard: dashmap's lock.rs, ONE_READER and ONE_WRITER ---- */

struct user {
    struct sharded_map map;
    uint64_t key; /* of shard 0 */
    bool writes;
    _Atomic bool stop;
};

static void *use_until_stopped(void *arg)
{
    struct user *user = arg;
    uint64_t value;

    while (!user->stop)
        if (user->writes)
            (void)sharded_map_insert(&user->map, user->key, 1);
        else
            (void)sharded_map_get(&user->map, user->key, &value);
    return NULL;
}

/* The word while one thread holds the lock; polls until it sees it. */
static uint64_t held_word(bool writes)
{
    struct user user = {.writes = writes};
    pthread_t thread;
    uint64_t word = 0;

    assert_int_equal(sharded_map_init(&user.map, 4), 0);
    while (sharded_map_shard_of(&user.map, user.key) != 0)
        user.key++;
    assert_int_equal(sharded_map_insert(&user.map, user.key, 1), 0);
    assert_int_equal(pthread_create(&thread, NULL, use_until_stopped, &user), 0);
    while (word == 0)
        word = atomic_load((_Atomic uint64_t *)(void *)user.map.shards);
    user.stop = true;
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load((_Atomic uint64_t *)(void *)user.map.shards), 0);
    sharded_map_deinit(&user.map);
    return word;
}

static void a_lock_that_is_held_reads_as_the_real_one(void **state)
{
    (void)state;
    assert_int_equal(held_word(false), 4);
    assert_int_equal(held_word(true), ~(uint64_t)3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_follow_the_processors),
        cmocka_unit_test(sizes_are_the_real_ones),
        cmocka_unit_test(a_lock_that_is_held_reads_as_the_real_one),
        cmocka_unit_test(keeps_what_it_is_given),
        cmocka_unit_test(every_shard_is_used),
        cmocka_unit_test(threads_share_the_shards),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
