/*
 * test_arena.c - what a slab hands out: where blocks lie, how long they are, what is in them, which
 * of them come from system instead, and what the counts say of it all.
 */
#include "fresh.h"

#include "slab.h"

enum { CHUNK_OR_MORE = 1100 * 1024 }; /* spans chunks, whatever the size of the page */

static size_t min_bytes(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    return config.min_bytes;
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- Where blocks lie -------------------------------------------------------------------------
 */

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

/* The way back to the start is as long after one block as after a full slab. */
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

/* Also where a block ends exactly with its chunk, and where it spans some. */
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

/* ---- Route ------------------------------------------------------------------------------------
 */

static void min_bytes_parts_arena_from_system(void)
{
    size_t min = min_bytes();

    begin_phase();
    system_block(1);
    system_block(min - 1);
    arena_block(min);
    arena_block(min + 1);
    system_block(min - 1); /* also when the fast path is open */
    CHECK(!zk_owns(zk_calloc(1, min - 1)));
    CHECK(zk_owns(zk_calloc(min, 1)));
    CHECK(!zk_owns(zk_aligned_alloc(64, min - 1)));
    CHECK(zk_owns(zk_aligned_alloc(64, min)));
    CHECK(!zk_owns(zk_realloc(NULL, min - 1)));
    CHECK(zk_owns(zk_realloc(NULL, min)));
    CHECK(!zk_owns(zk_realloc_sized(NULL, 0, 16, min - 1)));
    CHECK(zk_owns(zk_realloc_sized(NULL, 0, 16, min)));
}

static void min_bytes_1_keeps_zero_sizes_out_of_the_arena(void)
{
    begin_phase();
    system_block(0);
    arena_block(1);
    system_block(0);
}

static void outside_of_phases_all_comes_from_system(void)
{
    for (unsigned phase = 0; phase < 3; phase++) {
        for (size_t size = 0; size < 3 * MIB; size = 3 * size + 1) {
            system_block(size);
            CHECK(!zk_owns(zk_calloc(1, size)));
            CHECK(!zk_owns(zk_aligned_alloc(256, size)));
            CHECK(!zk_owns(zk_realloc(NULL, size)));
        }
        begin_phase();
        arena_block(100);
        end_phase();
    }
}

/* Not one end, but also its first block: a floor left open would let that one through. */
static void the_first_block_after_an_end_comes_from_system(void)
{
    for (unsigned phase = 0; phase < 100; phase++) {
        begin_phase();
        arena_block(64);
        end_phase();
        system_block(64);
    }
}

static void zero_sizes_give_unique_pointers(void)
{
    enum { COUNT = 60 };
    char *p[COUNT];

    begin_phase();
    for (unsigned i = 0; i < COUNT; i += 6) {
        p[i] = zk_malloc(0);
        p[i + 1] = zk_calloc(0, 100);
        p[i + 2] = zk_calloc(100, 0);
        p[i + 3] = zk_aligned_alloc(64, 0);
        p[i + 4] = zk_realloc(NULL, 0);
        p[i + 5] = zk_malloc(16);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK(p[i] != NULL && zk_owns(p[i]) == (min_bytes() == 0));
        for (unsigned j = 0; j < i; j++)
            CHECK(p[i] != p[j]);
    }
    for (unsigned i = 0; i < COUNT; i++)
        zk_free(p[i]);
}

static void owns_the_region_and_nothing_else(void)
{
    char *p;
    char *region;
    size_t bytes;
    int on_stack = 0;

    CHECK(!zk_owns(NULL) && !zk_owns(&on_stack));
    begin_phase();
    p = arena_block(100);
    bytes = (size_t)(stats_now().slabs * stats_now().slab_bytes);
    region = slab_start_of(p);
    while (zk_owns(region - 1))
        region -= stats_now().slab_bytes;

    CHECK(zk_owns(region) && zk_owns(region + bytes / 2) && zk_owns(region + bytes - 1));
    CHECK(!zk_owns(region - 1) && !zk_owns(region + bytes));
    CHECK(!zk_owns(NULL) && !zk_owns((void *)UINTPTR_MAX));
    CHECK(!zk_owns(&on_stack) && !zk_owns((void *)(uintptr_t) "constant"));
    CHECK(!zk_owns(system_block(99)));
    zk_free(p);
    end_phase();
    CHECK(zk_owns(p)); /* of any phase, live or not */
}

/* Reads one byte at p through the kernel, which answers EFAULT where we would crash. */
static bool is_readable(const char *p)
{
    int ends[2];
    bool readable;

    CHECK(pipe(ends) == 0);
    readable = write(ends[1], p, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return readable;
}

static void the_region_lies_between_inaccessible_pages(void)
{
    char *region;
    size_t bytes;

    begin_phase();
    region = slab_start_of(arena_block(100));
    bytes = (size_t)(stats_now().slabs * stats_now().slab_bytes);
    while (zk_owns(region - 1))
        region -= stats_now().slab_bytes;
    CHECK(is_readable(region));
    CHECK(!is_readable(region - 1) && !is_readable(region + bytes));
    CHECK(!is_readable(region + bytes - 1)); /* in a slab that nobody has used */
}

/* ---- Contents ---------------------------------------------------------------------------------
 */

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
    zeroed_block(1, 100000); /* from there to beyond what was dirty */
    zeroed_block(1, 100000);
    end_phase();
}

/* What one phase dirtied is still so when the next one did not come that far. */
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

/* A stale write spoils what is there at the time of it, and no block that is zeroed later. */
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
        p = arena_block(zk_high_water() + size); /* all that was used, and more */
        CHECK(is_all(p, zk_high_water() + size, 0));
        memset(p, 0xab, zk_high_water() + size);
        end_phase();
        CHECK(is_all(p, size, 0xab)); /* until the next begin they stay valid */
    }
}

/* ---- Sizes ------------------------------------------------------------------------------------
 */

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
            begin_phase(); /* then with the fast path closed, then with it open */
        else
            arena_block(10);
    }
    CHECK(stats_now().arena_count == 2 && stats_now().system_count == 0);
    CHECK(stats_now().overflow_count == 0);
}

/* Of blocks in the order in which they were carved. A block of a multiple of 16 bytes, which the
 * next one follows at once, leaves no choice: its usable size is its size. */
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
            CHECK(zk_usable_size(blocks[i]) >= sizes[i]); /* as the last one */
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

/* The books keep the low half of an address only. Nothing here is touched. */
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

/* As many blocks as a chunk can have, in many chunks. */
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

/* ---- Stale writes -----------------------------------------------------------------------------
 */

/* A program that writes through stale pointers damages its own data and nothing else. */
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
            if (i % 100 == 50) /* what was handed out, and what will be: to the end of the chunk */
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

/* ---- High water -------------------------------------------------------------------------------
 */

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

/* ---- Overflow ---------------------------------------------------------------------------------
 */

static void a_full_slab_overflows_to_system_and_is_counted(void)
{
    size_t slab_bytes;
    char *p;

    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        slab_bytes = (size_t)stats_now().slab_bytes;
        for (size_t used = 0; used + 65536 <= slab_bytes - 65536; used += 65536)
            arena_block(65536);
        arena_block(65536 - 1600); /* 1600 are left */
        CHECK(stats_now().overflow_count == 4 * phase);

        system_block(1601);
        p = zk_calloc(3, 1000);
        CHECK(p != NULL && !zk_owns(p) && is_all(p, 3000, 0));
        p = zk_aligned_alloc(4096, 10);
        CHECK(p != NULL && !zk_owns(p) && is_aligned(p, 4096));
        arena_block(1600); /* what fits, fits */
        system_block(0);
        CHECK(stats_now().overflow_count == 4 * (phase + 1));
        CHECK(stats_now().overflow_bytes == (1601 + 3000 + 10 + 0) * (phase + 1));
        CHECK(stats_now().system_count == 4 * (phase + 1));
        end_phase();
    }
}

/* ---- Statistics -------------------------------------------------------------------------------
 */

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

/* ---- Free and NULL ----------------------------------------------------------------------------
 */

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

/* In the phase of the block and after, a free does nothing to it or to others. */
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

    FRESH(min_bytes_parts_arena_from_system, .env = {BLIND, SLAB_64M}),
    FRESH_AS("min_bytes 1000 parts arena from system", min_bytes_parts_arena_from_system,
             .env = {BLIND, SLAB_64M, "ZK_ALLOC_MIN_BYTES=1000"}),
    FRESH_AS("min_bytes 2M parts arena from system", min_bytes_parts_arena_from_system,
             .env = {BLIND, SLAB_64M, "ZK_ALLOC_MIN_BYTES=2M"}),
    FRESH(min_bytes_1_keeps_zero_sizes_out_of_the_arena,
          .env = {BLIND, SLAB_64M, "ZK_ALLOC_MIN_BYTES=1"}),
    FRESH(outside_of_phases_all_comes_from_system, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(the_first_block_after_an_end_comes_from_system, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(zero_sizes_give_unique_pointers, .env = {BLIND, SLAB_64M}),
    FRESH_AS("zero sizes give unique pointers from the arena", zero_sizes_give_unique_pointers,
             .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(owns_the_region_and_nothing_else, .env = {BLIND, SLAB_16M, "ZK_ALLOC_MIN_BYTES=100"}),
    FRESH(the_region_lies_between_inaccessible_pages, .env = {BLIND, SLAB_16M, ALL_SIZES}),

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

    FRESH(high_water_is_what_the_phase_before_used, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(high_water_outlasts_a_phase_in_which_the_thread_was_idle,
          .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(a_block_of_high_water_bytes_covers_the_phase_before, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(a_full_slab_overflows_to_system_and_is_counted, .env = {BLIND, ALL_SIZES, SLAB_1M}),

    FRESH(stats_count_what_came_from_where, .env = {BLIND, SLAB_64M}),
    FRESH(arena_bytes_include_rounding_and_alignment, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(retained_are_the_blocks_not_freed_at_a_begin, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(retained_counts_across_chunks, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(retained_counts_frees_by_other_threads, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(system_blocks_and_null_are_never_retained, .env = {BLIND, SLAB_64M}),
    FRESH(reset_forgets_the_counts_and_keeps_the_present, .env = {BLIND, ALL_SIZES, SLAB_1M}),
    FRESH(before_the_first_begin_there_are_no_slabs, .env = {BLIND, SLAB_16M}),

    FRESH(free_keeps_errno, .env = {BLIND, SLAB_64M}),
    FRESH(free_leaves_the_bytes_to_the_next_begin, .env = {BLIND, SLAB_64M}),
    FRESH(null_is_ignored, .env = {BLIND, SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
