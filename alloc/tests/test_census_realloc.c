/*
 * test_census_realloc.c - how the census counts a block that realloc grows, shrinks or moves.
 */
#include "retained_blocks.h"

/* Checks the census after another begin: count blocks of this size, and nothing else. */
static void only_block_is(size_t size, unsigned count)
{
    struct findings found;

    next_phase();
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(number_in(&found, 1, "size") == size && number_in(&found, 1, "count") == count);
}

static void growing_in_place_grows_the_size_on_record(void)
{
    char *p;

    next_phase();
    p = make(5);
    CHECK(zk_realloc(p, 16) == p);
    only_block_is(16, 1);
}

static void shrinking_in_place_does_not_shrink_the_size_on_record(void)
{
    char *p;
    char *to;

    next_phase();
    p = make(500);
    to = zk_realloc_sized(zk_realloc(p, 16), 16, 16, 10);
    CHECK(to == p || (SANITIZED && !zk_owns(to))); /* sanitizers' realloc always moves */
    only_block_is(500, 1);
}

static void a_retained_block_that_moves_is_another_one(void)
{
    struct findings found;
    void *p;

    next_phase();
    p = make(500);
    next_phase();
    p = zk_realloc(p, 5000);
    CHECK(p != NULL);
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "size") == 5000 && number_in(&found, 1, "phase_first") == 3);
    CHECK(number_in(&found, 2, "size") == 500 && number_in(&found, 2, "phase_last") == 2);
}

static void a_sticky_system_block_of_no_phase_stays_out(void)
{
    void *p = zk_malloc(50);

    next_phase();
    p = zk_realloc(p, 50000);
    CHECK(!zk_owns(p));
    p = zk_realloc_sized(p, 50000, 4096, 60000);
    CHECK(!zk_owns(p));
    next_phase();
    CHECK(findings_now().count == 0);
}

static void a_block_kept_out_by_min_bytes_that_grows_is_the_arenas(void)
{
    void *p;

    next_phase();
    p = zk_realloc(system_block(50), 50000);
    CHECK(!zk_owns(p)); /* sticky */
    only_block_is(50000, 1);
}

static void a_migrating_block_is_the_arenas_whatever_min_bytes_is(void)
{
    void *small = zk_malloc(50);
    void *large = zk_malloc(50);
    struct findings found;

    next_phase();
    small = zk_realloc(small, 500);
    large = zk_realloc(large, 50000);
    CHECK(!zk_owns(small) && zk_owns(large));
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "size") == 50000 && number_in(&found, 2, "size") == 500);
}

/* Outside of phases a block that moves leaves the arena, and one that can stay does not. The same
 * holds for a block that would be in the arena with a lower MIN_BYTES. */
static void outside_of_phases_what_moves_leaves_and_what_stays_does_not(void)
{
    enum { COUNT = 3 };
    static const size_t before[COUNT] = {100, 200, 300};
    static const size_t after[COUNT] = {10000, 208, 10};
    void *blocks[COUNT];
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = zk_malloc(before[i]);
    end_phase();
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(zk_realloc(blocks[i], after[i]) != NULL);
    next_phase();
    found = findings_now();
    CHECK(found.count == 2);
    CHECK(number_in(&found, 1, "size") == 300 && number_in(&found, 2, "size") == 208);
}

static void a_retained_block_that_stays_is_counted_once(void)
{
    void *p;

    next_phase();
    p = zk_malloc(100);
    for (unsigned i = 0; i < 4; i++) {
        next_phase();
        p = zk_realloc(p, 90 - i);
        end_phase();
        p = zk_realloc(p, 50 - i);
    }
    only_block_is(100, 1);
}

static void a_realloc_to_nothing_is_a_free(void)
{
    next_phase();
    CHECK(zk_realloc(make(100), 0) == NULL && zk_realloc(make(10000), 0) == NULL);
    CHECK(zk_realloc_sized(make(100), 100, 16, 0) == NULL);
    next_phase();
    CHECK(findings_now().count == 0);
}

static void a_realloc_that_fails_leaves_the_record(void)
{
    void *p;

    if (SANITIZED)
        skip_because("a sanitizer warns of a huge size");
    next_phase();
    p = make(100);
    CHECK(zk_realloc(p, SIZE_MAX / 4) == NULL && errno == ENOMEM);
    only_block_is(100, 1);
}

static const struct CMUnitTest tests[] = {
    FRESH(growing_in_place_grows_the_size_on_record, CENSUS_ALL),
    FRESH(shrinking_in_place_does_not_shrink_the_size_on_record, CENSUS_ALL),
    FRESH_AS("shrinking in place, by system", shrinking_in_place_does_not_shrink_the_size_on_record,
             .env = {CENSUS}),
    FRESH(a_retained_block_that_moves_is_another_one, CENSUS_ALL),
    FRESH_AS("a retained block that moves, from system", a_retained_block_that_moves_is_another_one,
             .env = {CENSUS}),
    FRESH(a_sticky_system_block_of_no_phase_stays_out, CENSUS_ALL),
    FRESH(a_block_kept_out_by_min_bytes_that_grows_is_the_arenas, .env = {CENSUS}),
    FRESH(a_migrating_block_is_the_arenas_whatever_min_bytes_is,
          .env = {CENSUS, "ZK_ALLOC_REALLOC=migrate"}),
    FRESH(outside_of_phases_what_moves_leaves_and_what_stays_does_not, CENSUS_ALL),
    FRESH_AS("outside of phases what moves leaves, system",
             outside_of_phases_what_moves_leaves_and_what_stays_does_not, .env = {CENSUS}),
    FRESH(a_retained_block_that_stays_is_counted_once, CENSUS_ALL),
    FRESH_AS("a retained block that stays is counted once, system",
             a_retained_block_that_stays_is_counted_once, .env = {CENSUS}),
    FRESH(a_realloc_to_nothing_is_a_free, CENSUS_ALL),
    FRESH(a_realloc_that_fails_leaves_the_record, CENSUS_ALL),
    FRESH_AS("a realloc that fails leaves the record, system",
             a_realloc_that_fails_leaves_the_record, .env = {CENSUS}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
