/*
 * test_aligned_calloc.c - zk_aligned_calloc: zero and aligned at once, wherever the block comes from.
 */
#include "fresh.h"

enum { ALIGN_SHIFT_MOST = 21 }; /* 2 MiB: more than a chunk */

static void dirty_a_slab(size_t bytes)
{
    begin_phase();
    memset(arena_block(bytes), 0xab, bytes);
    end_phase();
}

/* Makes one block of each alignment, checks that it is zero, and soils it. */
static void check_alignments(size_t bytes, bool arena)
{
    for (unsigned shift = 0; shift <= ALIGN_SHIFT_MOST; shift++) {
        size_t align = (size_t)1 << shift;
        char *p = zk_aligned_calloc(align, 1, bytes);

        CHECK(p != NULL && zk_owns(p) == arena);
        CHECK(is_aligned(p, align));
        CHECK(zk_usable_size(p) >= bytes);
        CHECK(is_all(p, bytes, 0));
        memset(p, 0xcd, bytes);
        zk_free(p);
    }
}

static void arena_blocks_are_zero_and_aligned(void)
{
    dirty_a_slab(16 * MIB);
    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        check_alignments(100, true);
        check_alignments(300000, true);
        end_phase();
    }
}

static void system_blocks_are_zero_and_aligned(void)
{
    for (unsigned round = 0; round < 3;
         round++) { /* in memory that the last round soiled and freed */
        check_alignments(100, false);
        check_alignments(300000, false);
    }
}

static void min_bytes_decide_on_the_product(void)
{
    begin_phase();
    CHECK(!zk_owns(zk_aligned_calloc(64, 4095, 1)));
    CHECK(zk_owns(zk_aligned_calloc(64, 512, 8)));
    end_phase();
}

static void a_full_slab_is_no_error(void)
{
    struct zk_stats stats;
    char *p;

    begin_phase();
    p = zk_aligned_calloc(4096, 3, MIB);
    CHECK(p != NULL && !zk_owns(p) && is_aligned(p, 4096));
    CHECK(is_all(p, (size_t)3 * MIB, 0));
    CHECK(zk_stats(&stats) == 0 && stats.overflow_count == 1);
    end_phase();
}

static void what_cannot_be_is_refused(void)
{
    static const size_t wrong[] = {0, 3, 24, SIZE_MAX};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        errno = 0;
        CHECK(zk_aligned_calloc(wrong[i], 1, 64) == NULL && errno == EINVAL);
    }
    errno = 0;
    CHECK(zk_aligned_calloc(64, SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(zk_aligned_calloc(64, 1, SIZE_MAX - 4096) == NULL && errno == ENOMEM);
}

static void size_0_is_a_block(void)
{
    void *one = zk_aligned_calloc(64, 0, 8);
    void *other = zk_aligned_calloc(64, 8, 0);

    CHECK(one != NULL && other != NULL && one != other);
    zk_free(one);
    zk_free(other);
}

static const struct CMUnitTest tests[] = {
    FRESH(arena_blocks_are_zero_and_aligned, .env = {BLIND, ALL_SIZES}),
    FRESH(arena_blocks_are_zero_and_aligned, .env = {ALL_SIZES, UNTENURED}),
    FRESH(system_blocks_are_zero_and_aligned, .env = {ALL_SIZES}),
    FRESH(min_bytes_decide_on_the_product, .env = {"ZK_ALLOC_MIN_BYTES=4096"}),
    FRESH(a_full_slab_is_no_error, .env = {SLAB_1M}),
    FRESH(what_cannot_be_is_refused, .env = {ALL_SIZES}),
    FRESH(size_0_is_a_block, .env = {ALL_SIZES}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
