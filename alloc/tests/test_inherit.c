/*
 * test_inherit.c - the child of a fork does not inherit what its parent's audit has counted. It does
 * inherit the blocks, and its own begins count them.
 *
 * The name of a child's report is tested in test_audit_out.c, and when it is written in
 * test_audit_end.c.
 */
#include "emulator.h"
#include "findings.h"
#include "run_folder.h"

#include "census.h"
#include "distribution.h"
#include "trap.h"

enum { kept_blocks = 7, kept_bytes = 5000, large_bytes = 9000 };

static void *kept[kept_blocks];

/* In the parent: makes blocks that two begins find, and one more, the largest, which is then freed. */
static void retain(void)
{
    void *large;

    begin_phase();
    large = zk_malloc(large_bytes);
    for (int i = 0; i < kept_blocks; i++)
        kept[i] = zk_malloc(kept_bytes);
    next_phase();
    zk_free(large);
}

/* ---- Census ---- */

static void has_counted_nothing(void *unused)
{
    struct zk_audit_summary summary = summary_now();

    (void)unused;
    CHECK(summary.retained_count == 0 && summary.retained_max == 0);
    CHECK(summary.arena_retained_count == 0 && summary.arena_retained_max == 0);
    CHECK(zk_audit_report(STDERR_FILENO) == -1 && errno == EINVAL); /* no begin of its own: none */
}

static void counts_what_its_own_begin_finds(void *unused)
{
    struct zk_audit_summary summary;

    (void)unused;
    next_phase();
    summary = summary_now();
    CHECK(summary.retained_count == kept_blocks && summary.arena_retained_count == kept_blocks);
    CHECK(summary.retained_max == kept_bytes && summary.arena_retained_max == kept_bytes);
}

static void the_census_of_a_child_starts_at_nothing(void)
{
    retain();
    CHECK(summary_now().retained_count == kept_blocks + 1);
    CHECK(summary_now().retained_max == large_bytes);
    CHECK(bare_findings_now().count == 2);
    CHECK(status_of_fork(has_counted_nothing, NULL) == 0);
    CHECK(status_of_fork(counts_what_its_own_begin_finds, NULL) == 0);
    /* And the parent still has its counts. */
    CHECK(summary_now().retained_count == kept_blocks + 1);
    CHECK(bare_findings_now().count == 2);
}

static void retains_of_its_own(void *unused)
{
    struct findings found;
    size_t row;

    (void)unused;
    CHECK(zk_malloc(3000) != NULL);
    next_phase();
    found = bare_findings_now();
    row = row_with(&found, "size", "3000");
    CHECK(row != 0 && number_in(&found, row, "count") == 1);
    CHECK(number_in(&found, row, "phase_last") == 3);
    row = row_with(&found, "size", "5000");
    CHECK(row == 0 || number_in(&found, row, "count") == 0); /* counted already, by the parent */
    CHECK(row_with(&found, "size", "9000") == 0);
}

static void the_rows_of_a_child_are_its_own(void)
{
    retain();
    CHECK(status_of_fork(retains_of_its_own, NULL) == 0);
}

static void has_lost_nothing(void *unused)
{
    (void)unused;
    summary_now(); /* the first query resets what is the parent's */
    CHECK(zk_census_lost() == 0);
}

/* The census runs out of memory for some blocks; then there is memory again. */
static void what_the_parent_could_not_count_is_not_the_childs(void)
{
    struct rlimit unlimited;
    struct rlimit none;

    needs_limits();
    begin_phase();
    CHECK(zk_malloc(64) != NULL);
    CHECK(getrlimit(RLIMIT_AS, &unlimited) == 0);
    none = unlimited;
    none.rlim_cur = 1;
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    for (int i = 0; i < 100000; i++)
        CHECK(zk_malloc(64) != NULL);
    CHECK(setrlimit(RLIMIT_AS, &unlimited) == 0);
    CHECK(zk_census_lost() > 0);
    CHECK(status_of_fork(has_lost_nothing, NULL) == 0);
    CHECK(zk_census_lost() > 0);
    CHECK(zk_end_phase() == 0);
    _exit(0); /* without the line that says so, which test_limits.c tests */
}

/* ---- Sizes ---- */

static void add_class(void *arg, const struct zk_size_class *class)
{
    *(uint64_t *)arg += class->count;
}

static uint64_t counted_allocations(void)
{
    uint64_t count = 0;

    zk_distribution_each(add_class, &count);
    return count;
}

static void has_made_nothing(void *unused)
{
    (void)unused;
    summary_now();
    CHECK(counted_allocations() == 0);
    CHECK(zk_malloc(kept_bytes) != NULL);
    CHECK(counted_allocations() == 1);
}

static void the_sizes_that_the_parent_asked_for_are_not_the_childs(void)
{
    retain();
    CHECK(counted_allocations() == kept_blocks + 1);
    CHECK(status_of_fork(has_made_nothing, NULL) == 0);
    CHECK(counted_allocations() == kept_blocks + 1);
}

/* ---- Trap ---- */

SITE static void touch(size_t count)
{
    for (size_t i = 0; i < count; i++)
        *(volatile char *)kept[i] = 1;
}

static void has_touched_nothing(void *unused)
{
    struct zk_audit_summary summary = summary_now();

    (void)unused;
    CHECK(summary.retained_count == 0 && summary.touched_count == 0 && summary.touched_max == 0);
    CHECK(summary.freed_late_count == 0 && summary.after_free_count == 0);
    CHECK(zk_audit_report(STDERR_FILENO) == -1 && errno == EINVAL); /* no begin of its own: none */
}

static void checks_its_touches(void)
{
    struct findings found = bare_findings_now();
    size_t row;

    CHECK(summary_now().touched_count == kept_blocks && summary_now().touched_max == kept_bytes);
    row = row_with(&found, "kind", "touched");
    CHECK(row != 0 && number_in(&found, row, "count") == kept_blocks);
}

/* An access by one line to one block counts once: once in each process, even if the stack is the
 * same. */
static void the_same_access_is_another_one_in_the_child(void)
{
    pid_t child = -1;
    int status;

    retain();
    for (int process = 0; process < 2 && child != 0; process++) {
        child = process == 0 ? 1 : fork();
        CHECK(child >= 0);
        if (child > 0 && process > 0)
            break;
        if (child == 0)
            next_phase();
        touch(kept_blocks);
        checks_its_touches();
    }
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void the_trap_of_a_child_starts_at_nothing(void)
{
    retain(); /* the child will free these late */
    touch(kept_blocks);
    CHECK(summary_now().touched_count == kept_blocks && summary_now().freed_late_count == 1);
    CHECK(status_of_fork(has_touched_nothing, NULL) == 0);
    CHECK(summary_now().touched_count == kept_blocks);
}

/* ---- The report itself ---- */

static size_t report_bytes(void)
{
    struct stat status;
    char path[32];

    /* Without %p, the name of a child's report ends in its process id. */
    snprintf(path, sizeof path, "report.%d", (int)getpid());
    if (stat(path, &status) != 0 && stat("report", &status) != 0)
        return 0;
    return (size_t)status.st_size;
}

static void writes_its_own(void *unused)
{
    char path[32];
    struct stat status;

    (void)unused;
    next_phase();
    CHECK(zk_audit_report(-1) == 0);
    snprintf(path, sizeof path, "report.%d", (int)getpid());
    CHECK(stat(path, &status) == 0 && status.st_size > 0);
}

static void a_parent_that_has_reported_leaves_its_child_a_report(void)
{
    enter_folder();
    retain();
    CHECK(zk_audit_report(-1) == 0 && report_bytes() > 0);
    CHECK(status_of_fork(writes_its_own, NULL) == 0);
}

#define CENSUS_ALL .env = {CENSUS, ALL_SIZES, SLAB_64M, TO_DEV_NULL}
#define TRAP_ALL   .env = {TRAP, ALL_SIZES, SLAB_64M, TO_DEV_NULL}

static const struct CMUnitTest tests[] = {
    FRESH(the_census_of_a_child_starts_at_nothing, CENSUS_ALL),
    FRESH(the_rows_of_a_child_are_its_own, CENSUS_ALL),
    FRESH(what_the_parent_could_not_count_is_not_the_childs, CENSUS_ALL),
    FRESH(the_sizes_that_the_parent_asked_for_are_not_the_childs, CENSUS_ALL),
    FRESH(the_trap_of_a_child_starts_at_nothing, TRAP_ALL),
    FRESH(the_same_access_is_another_one_in_the_child, TRAP_ALL),
    FRESH(a_parent_that_has_reported_leaves_its_child_a_report,
          .env = {CENSUS, ALL_SIZES, SLAB_64M, "ZK_ALLOC_AUDIT_OUT=report"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_run_folder, remove_run_folder);
}
