/*
 * test_trap_access.c - stale accesses are caught when they are made, and reported correctly; other
 * accesses are not affected.
 */
#include "stale_block.h"

#include "dispatch.h"

/* ---- One access ---- */

static void a_read_is_a_read(void)
{
    char *p = stale_block(100);
    struct findings found;

    CHECK(read_at(p, 42) == 7); /* and the program goes on with its data */
    found = findings_now();
    CHECK(found.count == 1);
    CHECK(field_is(&found, 1, "kind", "touched") && field_is(&found, 1, "access", "read"));
    CHECK(number_in(&found, 1, "size") == 100 && number_in(&found, 1, "offset") == 42);
    CHECK(number_in(&found, 1, "count") == 1 && number_in(&found, 1, "threads") == 1);
    CHECK(number_in(&found, 1, "phase_allocated") == 1);
    CHECK(number_in(&found, 1, "phase_accessed") == 2);
    CHECK(placed_at(&found, 1, "", "make", retained_blocks_file, made_at));
    CHECK(placed_at(&found, 1, "access_", "read_at", stale_block_file, used_at));
    CHECK(strstr(field(&found, 1, "access_module"), "/test_trap_access") != NULL);
}

static void a_write_is_a_write(void)
{
    char *p = stale_block(10000);
    struct findings found;

    write_at(p, 9999);
    found = findings_now();
    CHECK(p[9999] == 1 && p[9998] == 7);
    CHECK(found.count == 1);
    CHECK(field_is(&found, 1, "kind", "touched") && field_is(&found, 1, "access", "write"));
    CHECK(number_in(&found, 1, "size") == 10000 && number_in(&found, 1, "offset") == 9999);
    CHECK(placed_at(&found, 1, "access_", "write_at", stale_block_file, used_at));
}

static void phases_apart_are_told(void)
{
    char *p = stale_block(100);
    struct findings found;

    for (unsigned i = 0; i < 5; i++)
        next_phase();
    read_at(p, 0);
    found = findings_now();
    CHECK(number_in(&found, 1, "phase_allocated") == 1);
    CHECK(number_in(&found, 1, "phase_accessed") == 7);
}

static void an_access_outside_of_phases_is_one_as_well(void)
{
    char *p = stale_block(100);

    end_phase();
    read_at(p, 0);
    CHECK(summary_now().touched_count == 1);
}

static void what_the_c_library_touches_is_its_callers(void)
{
    char *p = stale_block(100);
    struct findings found;
    char copy[100];

    memcpy(copy, p, fresh_number);
    CHECK(is_all(copy, fresh_number, 7));
    found = findings_now();
    CHECK(found.count == 1 && field_is(&found, 1, "access", "read"));
    CHECK(THREAD_SANITIZED ||
          field_is(&found, 1, "access_symbol", "what_the_c_library_touches_is_its_callers"));
}

/* ---- Which accesses ---- */

static void the_phase_of_a_block_is_its_own_until_the_next_begin(void)
{
    char *p;

    next_phase();
    p = make(100);
    write_at(p, 5);
    end_phase();
    CHECK(read_at(p, 5) == 1);
    CHECK(summary_now().touched_count == 0 && findings_now().count == 0);
    begin_phase();
    CHECK(summary_now().retained_count == 1);
    CHECK(summary_now().touched_count == 0);
}

static void a_block_is_touched_once_in_a_phase(void)
{
    char *p = stale_block(10000);
    struct findings found;

    for (unsigned phase = 0; phase < 4; phase++) {
        for (unsigned i = 0; i < 10; i++)
            read_at(p, 1000 * i);
        next_phase();
    }
    found = findings_now();
    CHECK(found.count == 1 && number_in(&found, 1, "count") == 1);
    CHECK(number_in(&found, 1, "phase_accessed") == 2); /* the first time */
    CHECK(summary_now().touched_count == 4 && summary_now().touched_max == 10000);
}

static void blocks_of_one_site_are_one_row_and_sites_are_apart(void)
{
    char *blocks[10];
    struct findings found;

    next_phase();
    for (unsigned i = 0; i < 10; i++)
        blocks[i] = make(100);
    next_phase();
    for (unsigned i = 0; i < 10; i++)
        if (i < 3)
            write_at(blocks[i], 0);
        else
            read_at(blocks[i], 0);
    found = findings_now();
    CHECK(found.count == 2 && sum_of(&found, "count") == 10);
    CHECK(number_in(&found, row_with(&found, "access", "write"), "count") == 3);
    CHECK(number_in(&found, row_with(&found, "access", "read"), "count") == 7);
}

static void neighbours_are_told_apart(void)
{
    enum { COUNT = 100 };
    char *blocks[COUNT];

    next_phase();
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = make(i * 100);
    next_phase();
    for (unsigned i = 1; i < COUNT; i += 2)
        read_at(blocks[i], i * 100 - 1);
    CHECK(summary_now().touched_count == COUNT / 2);
    CHECK(summary_now().touched_max == (COUNT - 1) * 100);
    CHECK(summary_now().retained_count == COUNT);
    CHECK(findings_now().count == COUNT / 2);
}

/* The merged row of several threads describes one access, not parts of two. */
static void *make_on_thread(void *arg)
{
    return *(void **)arg = make(100);
}

static void a_row_tells_of_the_first_access_whole(void)
{
    char *first;
    char *second;
    struct findings found;

    next_phase();
    run_thread(make_on_thread, &first);
    for (unsigned i = 0; i < 4; i++)
        next_phase();
    run_thread(make_on_thread, &second); /* in phase 5 */
    next_phase();
    for (unsigned i = 0; i < 2; i++) {
        read_at(i == 0 ? second : first, i == 0 ? 22 : 11); /* in phases 6 and 7 */
        next_phase();
    }
    found = findings_now();
    CHECK(found.count == 1 && number_in(&found, 1, "threads") == 2);
    CHECK(number_in(&found, 1, "phase_allocated") == 5);
    CHECK(number_in(&found, 1, "phase_accessed") == 6);
    CHECK(number_in(&found, 1, "offset") == 22);
}

/* ---- What the kernel touches ---- */

static void what_the_kernel_touches_is_touched(void)
{
    char *p = stale_block(100);
    int pipes[2];

    CHECK(pipe(pipes) == 0);
    if (write(pipes[1], p, 100) != 100) {
        CHECK(errno == EFAULT && !zk_dispatch_is_on());
        skip_undispatched();
    }
    CHECK(summary_now().touched_count == 1);
    CHECK(is_all(p, 100, 7));
}

/* ---- What is not stale ---- */

static void blocks_are_what_they_are_elsewhere(void)
{
    uint64_t random = 5;
    struct zk_stats stats;

    next_phase();
    for (unsigned shift = 0; shift <= 30; shift++) {
        size_t size = random_below(&random, 10000);
        char *p = zk_aligned_alloc((size_t)1 << shift, size);

        CHECK(zk_owns(p) && is_aligned(p, (size_t)1 << shift));
        CHECK(zk_usable_size(p) >= size && zk_usable_size(p) <= granules(size));
        fill(p, size, shift);
        CHECK(is_filled(p, size, shift));
    }
    CHECK(zk_usable_size(NULL) == 0 && !zk_owns(NULL) && !zk_owns(&random));
    CHECK(zk_calloc(SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    for (unsigned i = 0; i < 50; i++) {
        size_t size = random_below(&random, 20000);
        char *p = zk_calloc(size, 1);

        CHECK(zk_owns(p) && is_all(p, size, 0) && is_aligned(p, 16));
        memset(p, 1, size);
        if (i % 2 == 0)
            zk_free(p);
        if (i % 10 == 0)
            next_phase();
    }
    CHECK(make(0) != make(0));
    CHECK(zk_stats(&stats) == 0 && stats.phases == 6);
    zk_reset_stats();
    CHECK(zk_high_water() == 0);
    CHECK(findings_now().count == 0);
}

static void small_blocks_are_kept_out_by_min_bytes(void)
{
    next_phase();
    system_block(4095);
    arena_block(4096);
    next_phase();
    CHECK(summary_now().retained_count == 1);
}

static const struct CMUnitTest tests[] = {
    FRESH(a_read_is_a_read, TRAP_ALL),
    FRESH(a_write_is_a_write, TRAP_ALL),
    FRESH(phases_apart_are_told, TRAP_ALL),
    FRESH(an_access_outside_of_phases_is_one_as_well, TRAP_ALL),
    FRESH(what_the_c_library_touches_is_its_callers, TRAP_ALL, .number = 100),
    FRESH(the_phase_of_a_block_is_its_own_until_the_next_begin, TRAP_ALL),
    FRESH(a_block_is_touched_once_in_a_phase, TRAP_ALL),
    FRESH(blocks_of_one_site_are_one_row_and_sites_are_apart, TRAP_ALL),
    FRESH(neighbours_are_told_apart, TRAP_ALL),
    FRESH(a_row_tells_of_the_first_access_whole,
          .env = {TRAP, ALL_SIZES, "ZK_ALLOC_AUDIT_DEPTH=1"}),
    FRESH(what_the_kernel_touches_is_touched, TRAP_ALL),
    FRESH(blocks_are_what_they_are_elsewhere, TRAP_ALL),
    FRESH(small_blocks_are_kept_out_by_min_bytes, .env = {TRAP}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
