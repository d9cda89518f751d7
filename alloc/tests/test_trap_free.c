/*
 * test_trap_free.c - what free and realloc mean to the trap, and accesses after them.
 */
#include "stale_block.h"

/* ---- free and realloc ---- */

static void a_free_of_what_was_not_touched_is_late(void)
{
    char *p = stale_block(100);
    struct findings found;

    zk_free(p);
    found = findings_now();
    CHECK(found.count == 1 && field_is(&found, 1, "kind", "freed_late"));
    CHECK(field_is(&found, 1, "access", "NA") && field_is(&found, 1, "access_site", "NA"));
    CHECK(field_is(&found, 1, "symbol", "make"));
    CHECK(summary_now().freed_late_count == 1 && summary_now().touched_count == 0);
}

static void a_free_of_what_was_touched_is_not(void)
{
    char *p = stale_block(100);

    read_at(p, 0);
    next_phase();
    zk_free(p);
    CHECK(summary_now().freed_late_count == 0 && summary_now().touched_count == 1);
    CHECK(findings_now().count == 1);
}

static void a_free_in_time_is_not(void)
{
    next_phase();
    zk_free(make(100));
    zk_free(make(100));
    end_phase();
    zk_free(NULL);
    begin_phase();
    CHECK(findings_now().count == 0 && summary_now().retained_count == 0);
}

static unsigned moved_at;

SITE static void *move(void *p, size_t size)
{
    p = fresh_number == 0 ? AT(moved_at, zk_realloc(p, size))
                          : AT(moved_at, zk_realloc_sized(p, 100, 16, size));
    STAY_IN_FRAME();
    return p;
}

static void a_realloc_of_a_retained_block_is_a_touch_by_its_caller(void)
{
    char *p = stale_block(100);
    struct findings found;

    p = move(p, 5000);
    CHECK(is_all(p, 100, 7));
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(field_is(&found, 1, "kind", "touched") && field_is(&found, 1, "access", "read"));
    CHECK(number_in(&found, 1, "size") == 100);
    CHECK(placed_at(&found, 1, "access_", "move", __FILE__, moved_at));
    next_phase();
    CHECK(summary_now().retained_count == 1);
    read_at(p, 4999);
    CHECK(summary_now().touched_max == 5000);
}

static void a_realloc_in_its_phase_is_no_touch(void)
{
    char *p;

    next_phase();
    p = move(make(100), 5000);
    p = move(p, 200);
    CHECK(zk_realloc(p, 0) == NULL);
    CHECK(findings_now().count == 0);
}

static void discarded_blocks_are_no_longer_retained(void)
{
    char *kept = stale_block(100);
    char *discarded = make(200);

    memset(discarded, 9, 200);
    CHECK(zk_discard_phase() == 0);
    CHECK(is_all(discarded, 200, 9)); /* valid until the next begin */
    begin_phase();
    CHECK(summary_now().retained_count == 1);
    CHECK(read_at(kept, 0) == 7);
    CHECK(summary_now().touched_count == 1);
}

static void what_is_freed_or_discarded_takes_no_memory(void)
{
    size_t before = 0;

    if (SANITIZED)
        skip_because("the sanitizer's own memory");
    for (unsigned phase = 0; phase < 200; phase++) {
        char *p;

        begin_phase();
        for (unsigned i = 0; i < 10; i++) {
            p = make(MIB);
            memset(p, 1, MIB);
            if (fresh_number == 0)
                zk_free(p);
        }
        CHECK(fresh_number == 0 ? zk_end_phase() == 0 : zk_discard_phase() == 0);
        if (phase == 5)
            before = resident_bytes();
    }
    CHECK(resident_bytes() < before + 20 * (size_t)MIB);
}

/* ---- After a free: the program's own bug ---- */

static void an_access_after_a_free_is_told_apart(void)
{
    char *p = stale_block(300);
    struct findings found;
    size_t row;

    zk_free(p);
    read_at(p, 20);
    found = findings_now();
    row = row_with(&found, "kind", "freed");
    CHECK(found.count == 2 && row != 0);
    CHECK(field_is(&found, row, "access", "read"));
    CHECK(number_in(&found, row, "size") == 300 && number_in(&found, row, "offset") == 20);
    CHECK(field_is(&found, row, "symbol", "make"));
    CHECK(placed_at(&found, row, "access_", "read_at", stale_block_file, used_at));
    CHECK(summary_now().after_free_count == 1 && summary_now().touched_count == 0);
    CHECK(summary_now().touched_max == 0);
}

static void an_access_long_after_a_free_has_no_block_any_more(void)
{
    char *p = stale_block(300);
    struct findings found;
    size_t row;

    zk_free(p);
    next_phase();
    write_at(p, 20);
    found = findings_now();
    row = row_with(&found, "kind", "freed");
    CHECK(row != 0 && field_is(&found, row, "access", "write"));
    CHECK(field_is(&found, row, "site", "NA"));
    CHECK(field_is(&found, row, "access_symbol", "write_at"));
}

static const struct CMUnitTest tests[] = {
    FRESH(a_free_of_what_was_not_touched_is_late, TRAP_ALL),
    FRESH(a_free_of_what_was_touched_is_not, TRAP_ALL),
    FRESH(a_free_in_time_is_not, TRAP_ALL),
    FRESH(a_realloc_of_a_retained_block_is_a_touch_by_its_caller, TRAP_ALL),
    FRESH_AS("a realloc_sized of a retained block is a touch by its caller",
             a_realloc_of_a_retained_block_is_a_touch_by_its_caller, TRAP_ALL, .number = 1),
    FRESH(a_realloc_in_its_phase_is_no_touch, TRAP_ALL),
    FRESH(discarded_blocks_are_no_longer_retained, TRAP_ALL),
    FRESH(what_is_freed_or_discarded_takes_no_memory, TRAP_ALL),
    FRESH_AS("what is discarded takes no memory", what_is_freed_or_discarded_takes_no_memory,
             TRAP_ALL, .number = 1),
    FRESH(an_access_after_a_free_is_told_apart, TRAP_ALL),
    FRESH(an_access_long_after_a_free_has_no_block_any_more, TRAP_ALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
