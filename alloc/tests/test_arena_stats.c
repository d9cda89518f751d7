/*
 * test_arena_stats.c - the statistics: high water, bytes and blocks by source, what is retained.
 */
#include "arena_sizes.h"

/* ---- High water ---- */

static void high_water_is_what_the_phase_before_used(void)
{
    CHECK(zk_high_water() == 0);
    begin_phase();
    CHECK(zk_high_water() == 0);
    arena_block(5000);
    CHECK(zk_high_water() == 0);
    arena_block(CHUNK_OR_MORE / 2);
    end_phase();

    begin_phase();
    CHECK(zk_high_water() == granules(5000) + granules(CHUNK_OR_MORE / 2));
    arena_block(100);
    CHECK(zk_high_water() == granules(5000) + granules(CHUNK_OR_MORE / 2));
    end_phase();

    begin_phase();
    CHECK(zk_high_water() == granules(100));
    arena_block(MIB);
    CHECK(zk_high_water() == granules(100));
    end_phase();
}

static void high_water_outlasts_a_phase_in_which_the_thread_was_idle(void)
{
    begin_phase();
    arena_block(5000);
    end_phase();
    begin_phase();
    end_phase();
    begin_phase();
    CHECK(zk_high_water() == granules(5000));
    arena_block(16);
    CHECK(zk_high_water() == granules(5000));
}

static void a_block_of_high_water_bytes_covers_the_phase_before(void)
{
    for (unsigned phase = 0; phase < 10; phase++) {
        char *first;
        char *last;
        char *cover;
        size_t high_water;

        begin_phase();
        first = arena_block(48);
        arena_block(200000 * phase);
        last = arena_block(1000);
        end_phase();
        begin_phase();
        high_water = zk_high_water();
        cover = arena_block(high_water);
        CHECK(cover == first && cover + high_water == last + granules(1000));
        end_phase();
    }
}

/* ---- Statistics ---- */

static void stats_count_what_came_from_where(void)
{
    struct zk_stats stats;

    begin_phase();
    arena_block(5000);
    arena_block(4096);
    zk_calloc(100, 100);
    system_block(4095);
    system_block(0);
    zk_calloc(10, 10);
    stats = stats_now();
    CHECK(stats.phases == 1);
    CHECK(stats.arena_count == 3 && stats.arena_bytes == 5008 + 4096 + 10000);
    CHECK(stats.system_count == 3 && stats.system_bytes == 4095 + 0 + 100);
    CHECK(stats.overflow_count == 0 && stats.overflow_bytes == 0);
    CHECK(stats.retained_count == 0 && stats.orphans == 0 && stats.slabs_in_use == 1);
    end_phase();

    zk_aligned_alloc(64, 5000);
    zk_realloc(NULL, 70);
    stats = stats_now();
    CHECK(stats.phases == 1 && stats.arena_count == 3);
    CHECK(stats.system_count == 5 && stats.system_bytes == 4195 + 5000 + 70);
}

static void arena_bytes_include_rounding_and_alignment(void)
{
    begin_phase();
    zk_malloc(0);
    CHECK(stats_now().arena_bytes == 16);
    zk_malloc(17);
    CHECK(stats_now().arena_bytes == 16 + 32);
    zk_aligned_alloc(4096, 100);
    CHECK(stats_now().arena_bytes == 4096 + 112);
    zk_aligned_alloc(2 * MIB, 10); /* in a far chunk */
    CHECK(stats_now().arena_bytes == 2 * MIB + 16);
    zk_malloc(3 * MIB);
    CHECK(stats_now().arena_bytes == 5 * MIB + page_bytes());
    CHECK(stats_now().arena_count == 5);
    end_phase();
    begin_phase();
    zk_malloc(1);
    CHECK(stats_now().arena_bytes == 5 * MIB + page_bytes() + 16);
    CHECK(stats_now().arena_count == 6);
}

static void retained_are_the_blocks_not_freed_at_a_begin(void)
{
    void *blocks[3];

    begin_phase();
    for (unsigned i = 0; i < 3; i++)
        blocks[i] = arena_block(100 + i);
    zk_free(blocks[1]);
    CHECK(stats_now().retained_count == 0); /* at the last begin */
    end_phase();
    CHECK(stats_now().retained_count == 0);
    begin_phase();
    CHECK(stats_now().retained_count == 2);
    zk_free(blocks[0]);
    CHECK(stats_now().retained_count == 2);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 1);
    end_phase();
    zk_free_sized(blocks[2], 102);
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

static void retained_counts_across_chunks(void)
{
    static void *blocks[1000];
    uint64_t random = 6;

    begin_phase();
    for (unsigned i = 0; i < 1000; i++)
        blocks[i] = arena_block(random_below(&random, 10000));
    for (unsigned i = 0; i < 1000; i += 10)
        zk_free(blocks[i]);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 900);
    CHECK(stats_now().arena_count == 1000);
}

static void *free_all_three(void *arg)
{
    void **blocks = arg;

    for (unsigned i = 0; i < 3; i++)
        zk_free(blocks[i]);
    return NULL;
}

static void *free_all_three_with_a_slab(void *arg)
{
    zk_free(arena_block(100));
    free_all_three(arg);
    return NULL;
}

static void retained_counts_frees_by_other_threads(void)
{
    void *blocks[3];
    void *more[3];

    begin_phase();
    for (unsigned i = 0; i < 3; i++) {
        blocks[i] = arena_block(1000);
        more[i] = arena_block(1000);
    }
    run_thread(free_all_three, blocks);
    run_thread(free_all_three_with_a_slab, more);
    arena_block(1);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 1);
}

static void system_blocks_and_null_are_never_retained(void)
{
    begin_phase();
    arena_block(4096);
    system_block(4095);
    zk_free(NULL);
    zk_free(system_block(10));
    end_phase();
    zk_malloc(5000);
    begin_phase();
    CHECK(stats_now().retained_count == 1);
}

static void reset_forgets_the_counts_and_keeps_the_present(void)
{
    struct zk_stats before;
    struct zk_stats after;

    begin_phase();
    arena_block(100);
    arena_block(100);
    zk_malloc(2 * MIB); /* overflow */
    end_phase();
    begin_phase();
    before = stats_now();
    CHECK(before.retained_count == 2 && before.overflow_count == 1);
    zk_reset_stats();
    after = stats_now();
    CHECK(after.phases == 0 && after.arena_count == 0 && after.arena_bytes == 0);
    CHECK(after.system_count == 0 && after.system_bytes == 0);
    CHECK(after.overflow_count == 0 && after.overflow_bytes == 0 && after.orphans == 0);
    CHECK(after.retained_count == 2);
    CHECK(after.slabs == before.slabs && after.slab_bytes == before.slab_bytes);
    CHECK(after.slabs_in_use == 1);

    arena_block(100);
    zk_malloc(2 * MIB);
    end_phase();
    begin_phase();
    after = stats_now();
    CHECK(after.phases == 1 && after.arena_count == 1 && after.arena_bytes == 112);
    CHECK(after.system_count == 1 && after.overflow_count == 1);
    CHECK(after.system_bytes == 2 * MIB && after.overflow_bytes == 2 * MIB);
    CHECK(after.retained_count == 3);
}

static void before_the_first_begin_there_are_no_slabs(void)
{
    CHECK(stats_now().slabs == 0 && stats_now().slab_bytes == 0 && stats_now().phases == 0);
    zk_malloc(5000);
    CHECK(stats_now().slabs == 0 && stats_now().system_count == 1);
    begin_phase();
    CHECK(stats_now().slabs > 0 && stats_now().slab_bytes >= (size_t)16 << 20);
    CHECK(stats_now().slabs_in_use == 0);
    arena_block(5000);
    CHECK(stats_now().slabs_in_use == 1);
}

static const struct CMUnitTest tests[] = {
    FRESH(high_water_is_what_the_phase_before_used, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(high_water_outlasts_a_phase_in_which_the_thread_was_idle,
          .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(a_block_of_high_water_bytes_covers_the_phase_before, .env = {BLIND, ALL_SIZES, SLAB_64M}),

    FRESH(stats_count_what_came_from_where, .env = {BLIND, SLAB_64M}),
    FRESH(arena_bytes_include_rounding_and_alignment, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(retained_are_the_blocks_not_freed_at_a_begin, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(retained_counts_across_chunks, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(retained_counts_frees_by_other_threads, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(system_blocks_and_null_are_never_retained, .env = {BLIND, SLAB_64M}),
    FRESH(reset_forgets_the_counts_and_keeps_the_present, .env = {BLIND, ALL_SIZES, SLAB_1M}),
    FRESH(before_the_first_begin_there_are_no_slabs, .env = {BLIND, SLAB_16M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
