/*
 * test_arena_size.c - the sizes of blocks, that blocks do not overlap, and that stale writes change
 * neither.
 */
#include "arena_sizes.h"

#include "slab.h"

/* ---- Sizes ---- */

static void huge_sizes_are_enomem(void)
{
    const size_t huge[] = {PTRDIFF_MAX,     (size_t)PTRDIFF_MAX + 1,
                           SIZE_MAX - 4096, SIZE_MAX - 15,
                           SIZE_MAX - 1,    SIZE_MAX};

    for (unsigned phase = 0; phase < 3; phase++) {
        for (unsigned i = 0; i < sizeof huge / sizeof *huge; i++) {
            errno = 0;
            CHECK(zk_malloc(huge[i]) == NULL && errno == ENOMEM);
            errno = 0;
            CHECK(zk_calloc(1, huge[i]) == NULL && errno == ENOMEM);
            errno = 0;
            CHECK(zk_aligned_alloc(4096, huge[i]) == NULL && errno == ENOMEM);
            errno = 0;
            CHECK(zk_realloc(NULL, huge[i]) == NULL && errno == ENOMEM);
        }
        if (phase == 0)
            begin_phase(); /* first with the fast path closed, then with it open */
        else
            arena_block(10);
    }
    CHECK(stats_now().arena_count == 2 && stats_now().system_count == 0);
    CHECK(stats_now().overflow_count == 0);
}

/* Checks blocks in the order in which they were carved. If a block's size is a multiple of 16 and
 * the next one follows directly, its usable size must be its size. */
static void check_sizes(char *const *blocks, const size_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t usable = zk_usable_size(blocks[i]);

        CHECK(usable >= sizes[i]);
        CHECK(i + 1 == count || blocks[i] + usable <= blocks[i + 1]);
    }
}

static void usable_size_is_the_size_and_no_part_of_the_next_block(void)
{
    enum { COUNT = 3000 };
    static char *blocks[COUNT];
    static size_t sizes[COUNT];
    uint64_t random = 2;

    for (unsigned phase = 0; phase < 20; phase++) {
        size_t count = phase % 4 == 3 ? COUNT / 20 : COUNT;

        begin_phase();
        for (size_t i = 0; i < count; i++) {
            sizes[i] = random_below(&random, phase % 2 == 0 ? 3000 : 40000);
            if (phase % 3 == 0)
                sizes[i] = round_up(sizes[i] + 1, 16);
            blocks[i] = arena_block(sizes[i]);
            CHECK(zk_usable_size(blocks[i]) >= sizes[i]); /* it is the last one */
            CHECK(zk_usable_size(blocks[i]) < sizes[i] + 17);
        }
        check_sizes(blocks, sizes, count);
        end_phase();
        check_sizes(blocks, sizes, count);
    }
}

static void usable_size_is_right_where_blocks_are_aligned_or_span_chunks(void)
{
    enum { COUNT = 400 };
    static char *blocks[COUNT];
    static size_t sizes[COUNT];
    uint64_t random = 3;

    for (unsigned phase = 0; phase < 10; phase++) {
        begin_phase();
        for (size_t i = 0; i < COUNT; i++) {
            sizes[i] = random_size(&random);
            blocks[i] = i % 3 == 0
                            ? zk_aligned_alloc((size_t)1 << random_below(&random, 20), sizes[i])
                            : zk_malloc(sizes[i]);
            CHECK(zk_owns(blocks[i]));
            check_sizes(blocks + i, sizes + i, 1);
        }
        check_sizes(blocks, sizes, COUNT);
        end_phase();
    }
}

/* The books keep only the low half of an address. The blocks are not touched. */
static void usable_size_is_right_beyond_4_gib(void)
{
    enum { COUNT = 16 };
    static char *blocks[COUNT];
    static size_t sizes[COUNT];

    begin_phase();
    for (unsigned i = 0; i < COUNT; i++) {
        sizes[i] = i % 2 == 0 ? ((size_t)900 << 20) + 16 * i : 48;
        blocks[i] = arena_block(sizes[i]);
    }
    CHECK(blocks[COUNT - 1] - blocks[0] > (ptrdiff_t)5 << 30);
    check_sizes(blocks, sizes, COUNT);
}

/* As many blocks as a chunk can hold, in many chunks. */
static void chunks_full_of_the_smallest_blocks_keep_their_sizes(void)
{
    enum { COUNT = 5 * CHUNK_OR_MORE / 16 };

    for (unsigned phase = 0; phase < 2; phase++) {
        char *first;

        begin_phase();
        first = arena_block(16);
        for (size_t i = 1; i < COUNT; i++)
            CHECK(zk_malloc(i % 17) == first + 16 * i);
        for (size_t i = 0; i < COUNT; i++)
            CHECK(zk_usable_size(first + 16 * i) == 16);
        CHECK(stats_now().arena_count == (phase + 1) * (uint64_t)COUNT);
        end_phase();
    }
}

static void the_last_block_of_a_slab_ends_with_it(void)
{
    size_t slab_bytes;
    char *p;

    begin_phase();
    arena_block(16);
    slab_bytes = (size_t)stats_now().slab_bytes;
    p = arena_block(slab_bytes - 16);
    CHECK(zk_usable_size(p) == slab_bytes - 16);
    memset(p, 1, slab_bytes - 16);
    system_block(1);
    end_phase();
    CHECK(zk_usable_size(p) == slab_bytes - 16);
    begin_phase();
    CHECK(arena_block(slab_bytes) == p - 16);
    system_block(1);
}

static void usable_size_of_null_and_of_system_blocks(void)
{
    CHECK(zk_usable_size(NULL) == 0);
    for (size_t size = 1; size < 2 * MIB; size = 3 * size + 1) {
        char *p = system_block(size);

        CHECK(zk_usable_size(p) >= size);
        memset(p, 1, zk_usable_size(p));
        zk_free(p);
    }
}

/* Every block is filled to its last usable byte: no two share one. */
static void no_two_blocks_of_a_phase_overlap(void)
{
    enum { COUNT = 200 };
    static char *blocks[COUNT];
    static size_t usable[COUNT];
    uint64_t random = 4;

    for (unsigned phase = 0; phase < 8; phase++) {
        begin_phase();
        for (unsigned i = 0; i < COUNT; i++) {
            size_t size = 1 + random_size(&random) / 4;
            size_t align = (size_t)1 << random_below(&random, 17);

            switch (random_below(&random, 4)) {
            case 0:
                blocks[i] = zk_aligned_alloc(align, size);
                CHECK(is_aligned(blocks[i], align));
                break;
            case 1:
                blocks[i] = zk_calloc(1, size);
                break;
            default:
                blocks[i] = zk_malloc(size);
                break;
            }
            CHECK(is_aligned(blocks[i], 16));
            CHECK(zk_owns(blocks[i]) == (size >= min_bytes()));
            usable[i] = zk_usable_size(blocks[i]);
            CHECK(usable[i] >= size);
            fill(blocks[i], usable[i], i);
        }
        for (unsigned i = 0; i < COUNT; i++)
            CHECK(is_filled(blocks[i], usable[i], i));
        end_phase();
        for (unsigned i = 0; i < COUNT; i++) {
            CHECK(is_filled(blocks[i], usable[i], i));
            zk_free(blocks[i]);
        }
    }
}

/* ---- Stale writes ---- */

/* A program that writes through stale pointers damages only its own data. */
static void stale_writes_far_and_wide_leave_the_allocator_alone(void)
{
    enum { COUNT = 500 };
    static char *blocks[COUNT];
    static size_t sizes[COUNT];
    const unsigned char values[] = {0xff, 0x00, 0x5a};
    uint64_t random = 5;
    uint64_t served = 0;
    char *start = NULL;

    for (unsigned phase = 0; phase < 6; phase++) {
        struct zk_stats stats = stats_now();

        begin_phase();
        CHECK(stats.arena_count == served);
        for (unsigned i = 0; i < COUNT; i++, served++) {
            sizes[i] = random_below(&random, 30000);
            blocks[i] = arena_block(sizes[i]);
            if (start == NULL)
                start = slab_start_of(blocks[i]);
            CHECK(blocks[i] == (i == 0 ? start : blocks[i - 1] + granules(sizes[i - 1])));
            if (i % 100 == 50) /* what has been handed out and what will be, to the chunk's end */
                memset(
                    start, values[phase % 3],
                    round_up((size_t)(blocks[i] - start) + granules(sizes[i]), zk_chunk_bytes()));
        }
        check_sizes(blocks, sizes, COUNT);
        CHECK(stats_now().retained_count == (uint64_t)phase * COUNT);
        end_phase();
        CHECK(zk_high_water() == (size_t)(blocks[COUNT - 1] - start) + granules(sizes[COUNT - 1]));
    }
}

static const struct CMUnitTest tests[] = {
    FRESH(huge_sizes_are_enomem, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(usable_size_is_the_size_and_no_part_of_the_next_block,
          .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.25"}),
    FRESH(usable_size_is_right_where_blocks_are_aligned_or_span_chunks, .env = {BLIND, ALL_SIZES}),
    FRESH(usable_size_is_right_beyond_4_gib, .env = {BLIND, ALL_SIZES}),
    FRESH(chunks_full_of_the_smallest_blocks_keep_their_sizes, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(the_last_block_of_a_slab_ends_with_it, .env = {BLIND, ALL_SIZES, SLAB_1M}),
    FRESH(usable_size_of_null_and_of_system_blocks),
    FRESH(no_two_blocks_of_a_phase_overlap, .env = {BLIND, ALL_SIZES}),
    FRESH_AS("no two blocks of a phase overlap, whatever their route",
             no_two_blocks_of_a_phase_overlap, .env = {BLIND, "ZK_ALLOC_MIN_BYTES=700"}),
    FRESH(stale_writes_far_and_wide_leave_the_allocator_alone, .env = {BLIND, ALL_SIZES, SLAB_16M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
