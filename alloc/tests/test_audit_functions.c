/*
 * test_audit_functions.c - zk_audit_summary and zk_audit_report, and which configurations of the audit are
 * refused.
 */
#include "audited_programs.h"

/* ---- Programs ---- */

static void *report_all_the_time(void *arg)
{
    for (unsigned i = 0; i < 20; i++) {
        struct findings found = findings_now();

        CHECK(found.count >= 1);
    }
    return arg;
}

static void program_reports_on_many_threads(void)
{
    pthread_t threads[4];

    retain_and_touch(5000);
    for (unsigned i = 0; i < 4; i++)
        threads[i] = start_thread(report_all_the_time, NULL);
    for (unsigned i = 0; i < 4; i++)
        join_thread(threads[i]);
}

/* ---- The functions ---- */

static void without_an_audit_the_functions_fail(void)
{
    struct zk_audit_summary summary = {.touched_count = 1};

    CHECK(zk_audit_summary(&summary) == -1 && errno == EINVAL && summary.touched_count == 0);
    CHECK(zk_audit_report(STDERR_FILENO) == -1 && errno == EINVAL);
    CHECK(zk_audit_report(-1) == -1 && errno == EINVAL);
    if (fresh_number == 0)
        retain_and_touch(5000);
    else
        make(10);
    summary.touched_count = 1;
    CHECK(zk_audit_summary(&summary) == -1 && errno == EINVAL && summary.touched_count == 0);
    CHECK(zk_audit_report(STDERR_FILENO) == -1 && errno == EINVAL);
    CHECK(zk_audit_report(-1) == -1 && errno == EINVAL);
}

static void a_report_to_a_bad_descriptor_fails(void)
{
    retain_and_touch(5000);
    CHECK(zk_audit_report(12345) == -1 && errno == EBADF);
    CHECK(findings_now().count == 1);
}

static void two_threads_can_report_at_once(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("reports_on_many_threads", audit, "report", NULL) == 0);
        CHECK(said_nothing());
    }
}

static void a_bad_value_is_no_audit(void)
{
    retain_and_touch(5000);
    CHECK(zk_audit_report(-1) == -1 && errno == EINVAL);
}

static void a_bad_depth_is_the_default(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0 && config.audit_depth == 32);
}

static void configured_instead_of_switched(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    config.audit = ZK_AUDIT_CENSUS;
    config.audit_out = "/dev/null";
    config.audit_depth = 33;
    CHECK(zk_configure(&config) == -1 && errno == EINVAL);
    config.audit_depth = 3;
    CHECK(zk_configure(&config) == 0);
    retain_and_touch(5000);
    CHECK(findings_now().count == 1);
    CHECK(frames_in(field(&(struct findings[]){findings_now()}[0], 1, "site")) == 3);
}

static const struct program programs[] = {
    PROGRAM(reports_on_many_threads),
};

static const struct CMUnitTest tests[] = {
    FRESH(without_an_audit_the_functions_fail, .status = 0),
    FRESH_AS("before the first phase the functions fail", without_an_audit_the_functions_fail,
             .env = {CENSUS}, .number = 1),
    FRESH(a_report_to_a_bad_descriptor_fails, .env = {CENSUS}),
    FRESH(two_threads_can_report_at_once, .status = 0),
    FRESH_AS("a bad ZK_ALLOC_AUDIT", a_bad_value_is_no_audit, .env = {"ZK_ALLOC_AUDIT=yes"},
             .says = {"ZK_ALLOC_AUDIT=yes refused", "census"}),
    FRESH_AS("an empty ZK_ALLOC_AUDIT", a_bad_value_is_no_audit, .env = {"ZK_ALLOC_AUDIT="},
             .says = {"ZK_ALLOC_AUDIT= refused"}),
    FRESH_AS("an empty ZK_ALLOC_AUDIT_OUT", a_bad_depth_is_the_default,
             .env = {"ZK_ALLOC_AUDIT_OUT="}, .says = {"ZK_ALLOC_AUDIT_OUT= refused", "path"}),
    FRESH_AS("too deep a ZK_ALLOC_AUDIT_DEPTH", a_bad_depth_is_the_default,
             .env = {"ZK_ALLOC_AUDIT_DEPTH=33"}, .says = {"ZK_ALLOC_AUDIT_DEPTH=33", "32"}),
    FRESH_AS("a ZK_ALLOC_AUDIT_DEPTH that is no number", a_bad_depth_is_the_default,
             .env = {"ZK_ALLOC_AUDIT_DEPTH=-1"}, .says = {"ZK_ALLOC_AUDIT_DEPTH=-1", "32"}),
    FRESH_AS("a bad ZK_ALLOC_TOOLS", a_bad_depth_is_the_default, .env = {"ZK_ALLOC_TOOLS=1"},
             .says = {"ZK_ALLOC_TOOLS=1", "tell or ignore"}),
    FRESH(configured_instead_of_switched, .status = 0),
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--program") == 0)
        return run_as_program(argv[2], programs, sizeof programs / sizeof *programs);
    return cmocka_run_group_tests(tests, make_run_folder, remove_run_folder);
}
