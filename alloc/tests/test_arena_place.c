/*
 * test_arena_place.c - where blocks lie in a slab, in which order, and how they are aligned.
 */
#include "arena_sizes.h"

#include "slab.h"

static void the_first_block_of_every_phase_is_at_the_slabs_first_byte(void)
{
    uint64_t random = 1;
    char *start = NULL;

    for (unsigned phase = 0; phase < 1000; phase++) {
        char *p = NULL;

        begin_phase();
        switch (phase % 5) {
        case 0:
            p = zk_malloc(1 + random_below(&random, 9000));
            break;
        case 1:
            p = zk_calloc(1, random_below(&random, 9000));
            break;
        case 2:
            p = zk_aligned_alloc(4096, random_below(&random, 9000));
            break;
        case 3:
            p = zk_malloc(2 * MIB);
            break;
        case 4:
            p = zk_realloc(NULL, 1 + random_below(&random, 9000));
            break;
        }
        if (start == NULL)
            start = slab_start_of(p);
        CHECK(p == start);
        for (size_t more = random_below(&random, 60); more > 0; more--)
            zk_malloc(random_below(&random, 30000));
        end_phase();
    }
}

/* Rewinding a full slab works like rewinding one with a single block. */
static void a_full_slab_rewinds_to_its_first_byte(void)
{
    for (unsigned phase = 0; phase < 3; phase++) {
        char *p;

        begin_phase();
        p = arena_block(1000);
        CHECK(p == slab_start_of(p));
        while (zk_owns(zk_malloc(100000)))
            continue;
        end_phase();
    }
}

static void blocks_follow_each_other_in_granules_of_16(void)
{
    char *next = NULL;

    begin_phase();
    for (size_t round = 0; round < 20; round++) {
        for (size_t size = 0; size < 1000; size++) {
            char *p = arena_block(size);

            CHECK(next == NULL || p == next);
            next = p + granules(size);
        }
    }
}

/* Also if a block ends exactly at its chunk's end, or spans several. */
static void blocks_follow_each_other_across_chunks(void)
{
    const size_t page = page_bytes();
    const size_t chunk = zk_chunk_bytes();
    const size_t sizes[] = {chunk,
                            chunk - 16,
                            16,
                            chunk - page,
                            page,
                            2 * chunk + 2 * page,
                            chunk - 2 * page,
                            CHUNK_OR_MORE / 3,
                            160};
    char *next = NULL;

    begin_phase();
    for (unsigned i = 0; i < 90; i++) {
        size_t size = sizes[i % (sizeof sizes / sizeof *sizes)];
        char *p = arena_block(size);

        if (next != NULL && size < MIB)
            CHECK(p == next);
        next = p + granules(size);
    }
}

static void blocks_of_1_mib_and_more_start_on_a_page(void)
{
    begin_phase();
    for (size_t size = MIB; size < 4 * MIB; size += 300001) {
        char *before = arena_block(24);
        char *p = arena_block(size);
        char *after = arena_block(24);

        CHECK(is_aligned(p, page_bytes()));
        CHECK((size_t)(p - before) <= 32 + page_bytes());
        CHECK(after == p + granules(size));
    }
}

static void every_alignment_to_1_gib_is_served_from_the_arena(void)
{
    begin_phase();
    for (size_t align = 1; align <= (size_t)1 << 30; align *= 2) {
        char *before = arena_block(1);
        char *p = zk_aligned_alloc(align, 100);

        CHECK(p != NULL && zk_owns(p));
        CHECK(is_aligned(p, align) && is_aligned(p, 16));
        CHECK(p > before && (size_t)(p - before) <= 16 + (align < 16 ? 16 : align));
        fill(p, 100, 1);
    }
}

static void every_alignment_is_served_from_system(void)
{
    for (size_t align = 1; align <= MIB; align *= 2) {
        char *p = zk_aligned_alloc(align, 100);

        CHECK(p != NULL && !zk_owns(p));
        CHECK(is_aligned(p, align));
        fill(p, 100, 1);
        zk_free(p);
    }
}

static void an_alignment_that_the_slab_has_no_room_for_is_served_from_system(void)
{
    char *p;

    begin_phase();
    arena_block(100);
    p = zk_aligned_alloc(2 * MIB, 100);
    CHECK(p != NULL && !zk_owns(p) && is_aligned(p, 2 * MIB));
    CHECK(stats_now().overflow_count == 1);
    arena_block(100);
}

static void an_alignment_that_is_no_power_of_two_is_einval(void)
{
    const size_t wrong[] = {0, 3, 24, 4095, SIZE_MAX, SIZE_MAX / 2};

    for (unsigned phase = 0; phase < 2; phase++) {
        for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            errno = 0;
            CHECK(zk_aligned_alloc(wrong[i], 64) == NULL && errno == EINVAL);
        }
        if (phase == 0)
            begin_phase();
    }
    CHECK(stats_now().arena_count == 0 && stats_now().system_count == 0);
}

static const struct CMUnitTest tests[] = {
    FRESH(the_first_block_of_every_phase_is_at_the_slabs_first_byte,
          .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(a_full_slab_rewinds_to_its_first_byte, .env = {BLIND, ALL_SIZES, SLAB_1M}),
    FRESH(blocks_follow_each_other_in_granules_of_16, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(blocks_follow_each_other_across_chunks, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(blocks_of_1_mib_and_more_start_on_a_page, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(every_alignment_to_1_gib_is_served_from_the_arena, .env = {BLIND, ALL_SIZES}),
    FRESH(every_alignment_is_served_from_system),
    FRESH(an_alignment_that_the_slab_has_no_room_for_is_served_from_system,
          .env = {BLIND, ALL_SIZES, SLAB_1M}),
    FRESH(an_alignment_that_is_no_power_of_two_is_einval, .env = {BLIND, ALL_SIZES, SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
