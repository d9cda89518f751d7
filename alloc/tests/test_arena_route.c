/*
 * test_arena_route.c - which blocks come from the arena and which from system, and which addresses
 * zk_owns claims.
 */
#include "arena_sizes.h"

/* ---- Route ---- */

static void min_bytes_parts_arena_from_system(void)
{
    size_t min = min_bytes();

    begin_phase();
    system_block(1);
    system_block(min - 1);
    arena_block(min);
    arena_block(min + 1);
    system_block(min - 1); /* also with the fast path open */
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

/* After many ends, not just one: a floor left open would let the first block through. */
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
    CHECK(!is_readable(region + bytes - 1)); /* in a slab that has not been used */
}

/* ---- Overflow ---- */

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

static const struct CMUnitTest tests[] = {
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
    FRESH(a_full_slab_overflows_to_system_and_is_counted, .env = {BLIND, ALL_SIZES, SLAB_1M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
