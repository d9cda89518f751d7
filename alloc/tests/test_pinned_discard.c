/*
 * test_pinned_discard.c - what zk_discard_phase gives back, and what it keeps.
 */
#include "pinned_phases.h"

static void discarded_phases_are_reclaimed_and_earlier_blocks_kept(void)
{
    char *before;
    char *system;

    begin_phase();
    before = arena_block(5000);
    fill(before, 5000, 1);
    end_phase();
    system = system_block(100);
    for (unsigned phase = 0; phase < 100; phase++) {
        begin_phase();
        for (unsigned i = 0; i < 100; i++)
            memset(arena_block(50000), 0xff, 50000);
        CHECK(stats_now().pinned_chunks == 1);
        CHECK(zk_discard_phase() == 0);
        CHECK(is_filled(before, 5000, 1));
    }
    zk_free(before);
    zk_free(system);
    next_phase();
    CHECK(stats_now().pinned_chunks == 0);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

static void a_discard_inside_a_counted_phase_discards_nothing(void)
{
    char *p;

    begin_phase();
    p = arena_block(5000);
    fill(p, 5000, 1);
    begin_phase();
    CHECK(zk_discard_phase() == 0);
    end_and_begin();
    memset(arena_block(MIB), 0xff, MIB);
    CHECK(is_filled(p, 5000, 1) && stats_now().pinned_chunks == 1);
}

static void a_discard_inside_a_nested_phase_keeps_the_outer_ones_blocks(void)
{
    char *p;

    begin_phase();
    p = arena_block(5000);
    fill(p, 5000, 1);
    begin_phase();
    memset(arena_block(MIB), 0xff, MIB);
    CHECK(zk_discard_phase() == 0);
    next_phase();
    memset(arena_block(MIB), 0xff, MIB);
    CHECK(is_filled(p, 5000, 1) && stats_now().pinned_chunks == 1);
}

static void discards_without_a_phase_are_einval(void)
{
    CHECK(zk_discard_phase() == -1 && errno == EINVAL);
    begin_phase();
    end_phase();
    CHECK(zk_discard_phase() == -1 && errno == EINVAL);
}

static const struct CMUnitTest tests[] = {
    FRESH(discarded_phases_are_reclaimed_and_earlier_blocks_kept, PINNED_SMALL),
    FRESH(a_discard_inside_a_counted_phase_discards_nothing,
          .env = {ALL_SIZES, SLAB_64M, "ZK_ALLOC_NESTING=count"}),
    FRESH(a_discard_inside_a_nested_phase_keeps_the_outer_ones_blocks,
          .env = {ALL_SIZES, SLAB_64M, NESTED}),
    FRESH(discards_without_a_phase_are_einval, PINNED_SMALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
