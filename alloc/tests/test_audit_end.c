/*
 * test_audit_end.c - an audit reports however a process ends. The contents of reports are tested with the census
 * and the trap.
 */
#include "audited_programs.h"
#include "stack_overflow.h"

/* ---- Programs ---- */

static void program_exits_in_a_phase(void)
{
    retain_and_touch(5000);
    exit(3);
}

static void program_quick_exits(void)
{
    retain_and_touch(5000);
    quick_exit(4);
}

static void program_underscore_exits(void)
{
    retain_and_touch(5000);
    _exit(5);
}

static void program_reports_and_underscore_exits(void)
{
    retain_and_touch(5000);
    CHECK(zk_audit_report(-1) == 0);
    make(1); /* after the report, so not in it */
    next_phase();
    CHECK(zk_audit_report(-1) == 0);
    _exit(6);
}

static void program_aborts(void)
{
    retain_and_touch(5000);
    abort();
}

static void program_divides_by_zero(void)
{
    retain_and_touch(5000);
    raise(SIGFPE);
}

static char *volatile nowhere = (char *)8;

static void program_crashes(void)
{
    retain_and_touch(5000);
    *(volatile char *)nowhere = 1;
}

static void program_crashes_under_its_own_handler(void)
{
    signal(SIGSEGV, _exit);
    retain_and_touch(5000);
    *(volatile char *)nowhere = 1;
}

static void program_is_killed(void)
{
    retain_and_touch(5000);
    raise(SIGKILL);
}

static void program_is_terminated(void)
{
    retain_and_touch(5000);
    raise(SIGTERM);
}

static void program_overflows_its_stack(void)
{
    retain_and_touch(5000);
    overflow_the_stack(0);
}

static void program_overflows_a_threads_stack(void)
{
    retain_and_touch(5000);
    run_thread(overflow_on_thread, NULL);
}

static void program_has_no_phase(void)
{
    zk_free(make(5000));
}

static void program_has_one_phase(void)
{
    next_phase();
    zk_free(make(5000));
    zk_free(make(100));
    end_phase();
}

/* ---- What they leave ---- */

static bool there_is(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- How a process ends ---- */

/* Checks that there is a complete report in its place, and nothing else. */
static void reports(const char *program, int status)
{
    for (EACH_AUDIT(audit)) {
        CHECK(run_program(program, audit, "report", NULL) == status);
        is_a_report_on("report", 5000);
        is_a_table_of_sizes("report.phases", 2, 1);
        CHECK(files_here() == 2);
        CHECK(unlink("report") == 0 && unlink("report.phases") == 0);
    }
}

static void however_a_process_exits_it_reports(void)
{
    enter_folder();
    reports("returns", 0);
    CHECK(said_nothing());
    reports("exits_in_a_phase", 3);
    reports("quick_exits", 4);
    CHECK(said_nothing());
}

static void a_process_that_dies_reports_and_says_so(void)
{
    enter_folder();
    reports("aborts", 128 + SIGABRT);
    CHECK(said("dies of signal 6"));
    reports("divides_by_zero", 128 + SIGFPE);
    CHECK(said("dies of signal 8"));
    reports("crashes", 128 + SIGSEGV);
    CHECK(said("dies of signal 11"));
    reports("overflows_its_stack", 128 + SIGSEGV);
    CHECK(said("dies of signal 11"));
}

static void a_thread_that_overflows_its_stack_as_well(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("overflows_a_threads_stack", audit, "report", NULL) == 128 + SIGSEGV);
        CHECK(said("dies of signal 11"));
        is_a_report_on("report", 5000);
        CHECK(files_here() == 2);
    }
}

/* Checks that there is only the .part; or a report, if a trap sees the process end. */
static void leaves_part_only(const char *program, int status, bool by_call)
{
    for (EACH_AUDIT(audit)) {
        CHECK(run_program(program, audit, "report", NULL) == status);
        if (by_call && there_is("report")) {
            CHECK(strcmp(audit, "trap") == 0 && files_here() == 2);
            is_a_report_on("report", 5000);
            CHECK(unlink("report") == 0 && unlink("report.phases") == 0);
            continue;
        }
        CHECK(there_is("report.part") && files_here() == 1);
        CHECK(said_nothing());
        CHECK(unlink("report.part") == 0);
    }
}

static void a_process_that_ends_unseen_leaves_a_part(void)
{
    enter_folder();
    leaves_part_only("underscore_exits", 5, true);
    leaves_part_only("is_killed", 128 + SIGKILL, false);
    leaves_part_only("crashes_under_its_own_handler", SIGSEGV, true);
}

static void a_process_that_is_stopped_reports(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("is_terminated", audit, "report", NULL) == 128 + SIGTERM);
        is_a_report_on("report", 5000);
        CHECK(files_here() == 2 && said_nothing());
    }
}

static void a_process_can_report_before_it_ends_unseen(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("reports_and_underscore_exits", audit, "report", NULL) == 6);
        is_a_report_on("report", 5000);
        CHECK(files_here() == 2 && said_nothing());
    }
}

static void without_a_phase_there_is_nothing(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("has_no_phase", audit, "report", NULL) == 0);
        CHECK(run_program("has_no_phase", audit, NULL, NULL) == 0);
        CHECK(files_here() == 0 && said_nothing());
    }
}

static void nothing_found_is_a_header_row(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("has_one_phase", audit, "report", NULL) == 0);
        CHECK(parse_findings(read_file("report")).count == 0);
        is_a_table_of_sizes("report.phases", 1, 2);
    }
}

static void no_audit_is_no_report(void)
{
    enter_folder();
    CHECK(run_program("returns", "off", "report", NULL) == 0);
    CHECK(files_here() == 0 && said_nothing());
}

static const struct program programs[] = {
    PROGRAM(returns),
    PROGRAM(exits_in_a_phase),
    PROGRAM(quick_exits),
    PROGRAM(underscore_exits),
    PROGRAM(reports_and_underscore_exits),
    PROGRAM(aborts),
    PROGRAM(divides_by_zero),
    PROGRAM(crashes),
    PROGRAM(crashes_under_its_own_handler),
    PROGRAM(is_killed),
    PROGRAM(is_terminated),
    PROGRAM(overflows_its_stack),
    PROGRAM(overflows_a_threads_stack),
    PROGRAM(has_no_phase),
    PROGRAM(has_one_phase),
};

static const struct CMUnitTest tests[] = {
    FRESH(however_a_process_exits_it_reports, .status = 0),
    FRESH(a_process_that_dies_reports_and_says_so, .status = 0),
    FRESH(a_thread_that_overflows_its_stack_as_well, .status = 0),
    FRESH(a_process_that_ends_unseen_leaves_a_part, .status = 0),
    FRESH(a_process_that_is_stopped_reports, .status = 0),
    FRESH(a_process_can_report_before_it_ends_unseen, .status = 0),
    FRESH(without_a_phase_there_is_nothing, .status = 0),
    FRESH(nothing_found_is_a_header_row, .status = 0),
    FRESH(no_audit_is_no_report, .status = 0),
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--program") == 0)
        return run_as_program(argv[2], programs, sizeof programs / sizeof *programs);
    return cmocka_run_group_tests(tests, make_run_folder, remove_run_folder);
}
