/*
 * test_arena_bytes.c - the contents of blocks: what recycling leaves, what calloc zeroes, what free does not
 * touch.
 */
#include "arena_sizes.h"

/* ---- Contents ---- */

static void blind_recycling_leaves_the_bytes_as_they_were(void)
{
    char *p;

    begin_phase();
    p = arena_block(CHUNK_OR_MORE);
    fill(p, CHUNK_OR_MORE, 7);
    end_phase();
    CHECK(is_filled(p, CHUNK_OR_MORE, 7));
    begin_phase();
    CHECK(arena_block(CHUNK_OR_MORE) == p);
    CHECK(is_filled(p, CHUNK_OR_MORE, 7));
}

static void dirty_a_slab(size_t bytes)
{
    begin_phase();
    memset(arena_block(bytes), 0xab, bytes);
    end_phase();
}

static void zeroed_block(size_t count, size_t size)
{
    char *p = zk_calloc(count, size);

    CHECK(p != NULL && zk_owns(p));
    CHECK(zk_usable_size(p) >= count * size);
    CHECK(is_all(p, count * size, 0));
    memset(p, 0xcd, count * size);
}

static void calloc_zeroes_in_the_first_phase(void)
{
    begin_phase();
    zeroed_block(1, 1);
    zeroed_block(10, 100);
    zeroed_block(3, CHUNK_OR_MORE);
    zeroed_block(33, 33);
    end_phase();
}

static void calloc_zeroes_small_blocks_in_recycled_memory(void)
{
    dirty_a_slab(CHUNK_OR_MORE);
    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        for (size_t size = 1; size < 1400; size++)
            zeroed_block(1, size);
        end_phase();
    }
}

static void calloc_zeroes_blocks_of_many_chunks_in_recycled_memory(void)
{
    dirty_a_slab(5 * CHUNK_OR_MORE);
    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        arena_block(100);
        zeroed_block(4, CHUNK_OR_MORE);
        zeroed_block(2, CHUNK_OR_MORE);
        end_phase();
    }
}

static void calloc_zeroes_where_recycled_memory_ends(void)
{
    dirty_a_slab(100000);
    begin_phase();
    arena_block(60000);
    zeroed_block(1, 100000); /* from there to beyond the dirty memory */
    zeroed_block(1, 100000);
    end_phase();
}

/* Memory that one phase soiled is still dirty if the next phase did not get that far. */
static void calloc_zeroes_what_a_phase_before_the_last_dirtied(void)
{
    dirty_a_slab(CHUNK_OR_MORE);
    dirty_a_slab(16);
    dirty_a_slab(4000);
    begin_phase();
    zeroed_block(1, CHUNK_OR_MORE);
}

static void calloc_zeroes_after_a_nested_begin(void)
{
    for (unsigned i = 0; i < 4; i++) {
        begin_phase(); /* nesting=recycle */
        zeroed_block(1, 5000);
        zeroed_block(1, CHUNK_OR_MORE);
    }
}

/* A stale write damages what is there at the time, but no block that is zeroed later. */
static void calloc_zeroes_what_a_stale_write_left(void)
{
    char *stale;

    begin_phase();
    stale = arena_block(CHUNK_OR_MORE);
    end_phase();
    begin_phase();
    arena_block(16);
    memset(stale, 0xab, CHUNK_OR_MORE);
    zeroed_block(1, CHUNK_OR_MORE);
}

static void calloc_zeroes_system_blocks(void)
{
    for (size_t size = 1; size < 3 * MIB; size = 2 * size + 1) {
        char *p = zk_malloc(size);

        memset(p, 0xab, size);
        zk_free(p);
        p = zk_calloc(1, size);
        CHECK(p != NULL && is_all(p, size, 0));
        zk_free(p);
    }
}

static void calloc_of_an_overflowing_product_is_enomem(void)
{
    const size_t wrong[][2] = {{SIZE_MAX, 2},
                               {2, SIZE_MAX},
                               {SIZE_MAX / 2 + 1, 2},
                               {(size_t)1 << 32, (size_t)1 << 32},
                               {((size_t)1 << 32) + 1, (size_t)1 << 32},
                               {SIZE_MAX, SIZE_MAX}};

    for (unsigned phase = 0; phase < 2; phase++) {
        for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            errno = 0;
            CHECK(zk_calloc(wrong[i][0], wrong[i][1]) == NULL && errno == ENOMEM);
        }
        if (phase == 0)
            begin_phase();
    }
    CHECK(stats_now().arena_count == 0 && stats_now().system_count == 0);
}

static void poison_reset_makes_recycled_memory_read_zero(void)
{
    for (unsigned phase = 0; phase < 4; phase++) {
        size_t size = phase % 2 == 0 ? CHUNK_OR_MORE + 5 : 100;
        char *p;

        begin_phase();
        p = arena_block(zk_high_water() + size); /* covers everything used, and more */
        CHECK(is_all(p, zk_high_water() + size, 0));
        memset(p, 0xab, zk_high_water() + size);
        end_phase();
        CHECK(is_all(p, size, 0xab)); /* blocks stay valid until the next begin */
    }
}

/* ---- Free and NULL ---- */

static void *check_free_keeps_errno(void *arg)
{
    errno = 12345;
    zk_free(arg);
    CHECK(errno == 12345);
    return NULL;
}

static void free_keeps_errno(void)
{
    check_free_keeps_errno(NULL);
    check_free_keeps_errno(zk_malloc(10));
    check_free_keeps_errno(zk_malloc((size_t)64 << 20)); /* unmapped */
    begin_phase();
    check_free_keeps_errno(arena_block(5000));
    run_thread(check_free_keeps_errno, arena_block(5000));
    errno = 54321;
    zk_free_sized(arena_block(5000), 5000);
    CHECK(errno == 54321);
    end_phase();
}

/* In the block's phase and after it, a free changes neither its bytes nor others. */
static void free_leaves_the_bytes_to_the_next_begin(void)
{
    char *p;
    char *q;

    begin_phase();
    p = arena_block(5000);
    fill(p, 5000, 1);
    zk_free(p);
    q = arena_block(5000);
    CHECK(q == p + granules(5000));
    CHECK(is_filled(p, 5000, 1));
    end_phase();
    CHECK(is_filled(p, 5000, 1));
}

static void null_is_ignored(void)
{
    for (unsigned phase = 0; phase < 2; phase++) {
        zk_free(NULL);
        zk_free_sized(NULL, 0);
        zk_free_sized(NULL, 100);
        CHECK(zk_usable_size(NULL) == 0);
        CHECK(!zk_owns(NULL));
        begin_phase();
        arena_block(5000);
        zk_free(NULL);
        end_phase();
        CHECK(stats_now().retained_count == phase);
    }
}

static const struct CMUnitTest tests[] = {
    FRESH(blind_recycling_leaves_the_bytes_as_they_were, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(calloc_zeroes_in_the_first_phase, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(calloc_zeroes_small_blocks_in_recycled_memory, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(calloc_zeroes_blocks_of_many_chunks_in_recycled_memory,
          .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(calloc_zeroes_where_recycled_memory_ends, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(calloc_zeroes_what_a_phase_before_the_last_dirtied, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(calloc_zeroes_after_a_nested_begin,
          .env = {BLIND, ALL_SIZES, SLAB_64M, "ZK_ALLOC_NESTING=recycle"}),
    FRESH(calloc_zeroes_what_a_stale_write_left, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH_AS("calloc zeroes what a stale write left, under poison_reset",
             calloc_zeroes_what_a_stale_write_left,
             .env = {BLIND, ALL_SIZES, SLAB_64M, "ZK_ALLOC_POISON_RESET=1"}),
    FRESH(calloc_zeroes_system_blocks),
    FRESH(calloc_of_an_overflowing_product_is_enomem, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(poison_reset_makes_recycled_memory_read_zero,
          .env = {BLIND, ALL_SIZES, SLAB_64M, "ZK_ALLOC_POISON_RESET=1"}),

    FRESH(free_keeps_errno, .env = {BLIND, SLAB_64M}),
    FRESH(free_leaves_the_bytes_to_the_next_begin, .env = {BLIND, SLAB_64M}),
    FRESH(null_is_ignored, .env = {BLIND, SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
