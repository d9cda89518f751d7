/*
 * test_realloc_large.c - large blocks that grow and move: every byte is carried over, and nothing else changes.
 */
#include "pinned_phases.h"

static void *grown(void *p, size_t from, size_t to, unsigned seed)
{
    char *q = zk_realloc(p, to);

    CHECK(q != NULL && is_filled(q, from < to ? from : to, seed));
    return q;
}

/* From blocks that start anywhere, among others that stay as they are, to larger sizes, and back. */
static void every_byte_is_carried_over(void)
{
    static const size_t sizes[] = {MIB - 100,      MIB,           MIB + 17,
                                   3 * MIB + 4097, 31 * MIB,      32 * MIB + 100,
                                   33 * MIB + 1,   40 * MIB + 64, 70 * MIB};
    uint64_t random = fresh_number;

    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        for (unsigned i = 0; i + 1 < sizeof sizes / sizeof *sizes; i++) {
            char *before = arena_block(1 + random_below(&random, 5000));
            char *p = arena_block(sizes[i]);
            char *after = arena_block(5000);

            fill(p, sizes[i], i);
            fill(after, 5000, i + 1);
            p = grown(p, sizes[i], sizes[i + 1], i);
            CHECK(is_filled(after, 5000, i + 1));
            fill(p, sizes[i + 1], i + 2);
            p = grown(p, sizes[i + 1], sizes[i] / 3, i + 2);
            zk_free(p);
            zk_free(before);
            zk_free(after);
        }
        end_phase();
    }
}

static void a_block_that_moves_is_aligned_as_asked_for(void)
{
    begin_phase();
    for (size_t align = 16; align <= 4096; align *= 2)
        for (unsigned i = 0; i < 5; i++) {
            char *p;

            arena_block(16);
            p = arena_block(900000); /* too small to have its chunk to itself: it starts anywhere */
            fill(p, 900000, i);
            p = zk_realloc_sized(p, 900000, align, 2 * MIB);
            CHECK(p != NULL && (uintptr_t)p % align == 0 && is_filled(p, 900000, i));
            zk_free(p);
        }
    end_phase();
}

/* The block that has moved leaves memory that is served again, zeroed if that is wanted. */
static void the_place_it_leaves_is_good_for_others(void)
{
    begin_phase();
    for (unsigned i = 0; i < 20; i++) {
        char *p = arena_block(40 * MIB);
        char *between = arena_block(100);
        char *zeroed;

        fill(p, 40 * MIB, i);
        p = grown(p, 40 * MIB, 60 * MIB, i);
        zeroed = zk_calloc(1, 40 * MIB);
        CHECK(zeroed != NULL && is_all(zeroed, 40 * MIB, 0));
        memset(zeroed, 0xff, 40 * MIB);
        CHECK(is_filled(p, 40 * MIB, i));
        zk_free(p);
        zk_free(zeroed);
        zk_free(between);
    }
    end_phase();
}

static void *grow_it(void *arg)
{
    char **p = arg;

    *p = grown(*p, 50 * MIB, 90 * MIB, 3);
    return NULL;
}

static void a_block_of_another_threads_slab_moves_as_well(void)
{
    char *p;

    begin_phase();
    fill(p = arena_block(50 * MIB), 50 * MIB, 3);
    run_thread(grow_it, &p);
    CHECK(is_filled(p, 50 * MIB, 3));
    zk_free(p);
    end_phase();
}

#define LARGE .env = {ALL_SIZES, SLAB_1G}

static const struct CMUnitTest tests[] = {
    FRESH_AS("every byte is carried over", every_byte_is_carried_over, LARGE, .number = 1),
    FRESH_AS("every byte is carried over, of other places", every_byte_is_carried_over, LARGE,
             .number = 2),
    FRESH(a_block_that_moves_is_aligned_as_asked_for, .env = {ALL_SIZES, SLAB_1G, UNTENURED}),
    FRESH(the_place_it_leaves_is_good_for_others, LARGE),
    FRESH(a_block_of_another_threads_slab_moves_as_well, LARGE),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
