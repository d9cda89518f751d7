/*
 * test_audit_out.c - where the report of an audit goes: a path, stderr, a pipe; and the reports of children.
 */
#include "audited_programs.h"

/* ---- Programs ---- */

static void program_reports_and_exits(void)
{
    retain_and_touch(5000);
    CHECK(zk_audit_report(-1) == 0);
    exit(0); /* writes nothing more */
}

/* Runs body in a child, and waits for that. */
static void fork_that(void (*body)(void))
{
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        body();
        exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}

static void child_retains(void)
{
    retain_and_touch(7000);
}

static void nothing(void)
{
}

static void child_execs(void)
{
    execl("/bin/true", "true", (char *)NULL);
    _exit(127);
}

static void program_forks(void)
{
    retain_and_touch(5000);
    fork_that(child_retains);
    fork_that(nothing);
    fork_that(child_execs);
}

static void program_forks_before_its_first_phase(void)
{
    fork_that(child_retains);
    fork_that(child_retains);
    retain_and_touch(5000);
}

static void retain_and_exec(void)
{
    retain_and_touch(7000);
    child_execs();
}

static void program_execs_in_the_middle(void)
{
    fork_that(retain_and_exec);
}

static void program_loses_its_folder(void)
{
    retain_and_touch(5000);
    CHECK(unlink("here/report.part") == 0 && rmdir("here") == 0);
}

static void program_loses_its_folder_and_reports(void)
{
    program_loses_its_folder();
    CHECK(zk_audit_report(-1) == -1 && errno == ENOENT);
    _exit(0);
}

static void program_closes_stderr(void)
{
    retain_and_touch(5000);
    close(STDERR_FILENO);
}

/* ---- What they leave ---- */

static const char *named(const char *format, pid_t pid)
{
    static char path[64];

    snprintf(path, sizeof path, format, (int)pid); // NOLINT
    return path;
}

/* ---- Where it goes ---- */

static void stderr_is_the_default(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("returns", audit, NULL, NULL) == 0);
        is_a_report_on("said", 5000);
        CHECK(run_program("returns", audit, "stderr", NULL) == 0);
        is_a_report_on("said", 5000);
        CHECK(run_program("reports_and_exits", audit, NULL, NULL) == 0);
        is_a_report_on("said", 5000);
        CHECK(run_program("closes_stderr", audit, NULL, NULL) == 0);
        CHECK(files_here() == 0);
    }
}

static void percent_p_is_the_process(void)
{
    pid_t pid;

    enter_folder();
    for (EACH_AUDIT(audit)) {
        CHECK(run_program("returns", audit, "a%p.%x%", &pid) == 0);
        is_a_report_on(named("a%d.%%x%%", pid), 5000);
        CHECK(files_here() == 2);
        CHECK(system("rm a*") == 0); // NOLINT(cert-env33-c)
    }
}

static void an_unwritable_path_is_said_and_replaced_by_stderr(void)
{
    static const char *const wrong[] = {"no/such/folder", "."};

    enter_folder();
    for (unsigned i = 0; i < 2; i++) {
        const char *text;

        CHECK(run_program("returns", "census", wrong[i], NULL) == 0);
        text = read_file("said");
        CHECK(strncmp(text, "zkalloc: audit: ", 16) == 0);
        CHECK(strstr(text, "the report goes to stderr") != NULL);
        text = strchr(text, '\n');
        CHECK(parse_findings(strdup(text + 1)).count == 1);
        CHECK(files_here() == 0);
    }
}

static void a_path_that_is_too_long_is_refused(void)
{
    char path[5000];

    enter_folder();
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CHECK(run_program("returns", "census", path, NULL) == 0);
    CHECK(said("ZK_ALLOC_AUDIT_OUT") && said("too long"));
    for (size_t i = 0; i < 4030; i += 2) /* in the end, that long */
        memcpy(path + i, i < 3980 ? "./" : "%p", 3);
    CHECK(run_program("returns", "census", path, NULL) == 0);
    CHECK(said("the report goes to stderr") && files_here() == 0);
}

static void a_folder_that_goes_away_is_said(void)
{
    enter_folder();
    for (EACH_AUDIT(audit))
        for (unsigned i = 0; i < 2; i++) {
            CHECK(mkdir("here", 0755) == 0);
            CHECK(run_program(i == 0 ? "loses_its_folder" : "loses_its_folder_and_reports", audit,
                              "here/report", NULL) == 0);
            CHECK(said("here/report: not written: No such file or directory"));
            CHECK(files_here() == 0);
        }
}

static void a_device_is_written_to_and_not_replaced(void)
{
    struct stat status;

    enter_folder();
    CHECK(symlink("/dev/null", "null") == 0);
    CHECK(run_program("returns", "census", "null", NULL) == 0);
    CHECK(lstat("null", &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(files_here() == 1 && said_nothing());
}

static void a_pipe_is_written_to(void)
{
    char text[4096];
    ssize_t length;
    int reader;

    enter_folder();
    CHECK(mkfifo("pipe", 0600) == 0);
    reader = open("pipe", O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0);
    CHECK(run_program("returns", "trap", "pipe", NULL) == 0);
    length = read(reader, text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = '\0';
    CHECK(parse_findings(text).count == 1);
    CHECK(files_here() == 1 && said_nothing());
}

/* ---- Children ---- */

static void a_child_has_a_report_of_its_own(void)
{
    enter_folder();
    for (EACH_AUDIT(audit)) {
        pid_t pid;
        struct findings found;

        CHECK(run_program("forks", audit, "report", &pid) == 0);
        is_a_report_on("report", 5000);
        /* The child finds its own block, and its parent's, which was live when it began too; but that
         * is reported by the parent. */
        CHECK(files_here() == 4);
        CHECK(system("mv report.[0-9]*[0-9] child; mv report.*.phases child.phases") ==
              0); // NOLINT
        found = parse_findings(read_file("child"));
        CHECK(found.count == 1 && number_in(&found, 1, "size") == 7000);
        is_a_table_of_sizes("child.phases", 2, 1);
        CHECK(said_nothing());
        CHECK(system("rm report* child*") == 0); // NOLINT(cert-env33-c)
    }
}

static void children_of_a_process_without_phases_do_not_take_its_name(void)
{
    enter_folder();
    CHECK(run_program("forks_before_its_first_phase", "census", "report", NULL) == 0);
    is_a_report_on("report", 5000);
    CHECK(files_here() == 6);
}

static void an_exec_leaves_a_part(void)
{
    enter_folder();
    CHECK(run_program("execs_in_the_middle", "census", "%p", NULL) == 0);
    CHECK(files_here() == 1 && system("test -e *.part") == 0); // NOLINT(cert-env33-c)
}

static const struct program programs[] = {
    PROGRAM(returns),
    PROGRAM(reports_and_exits),
    PROGRAM(forks),
    PROGRAM(forks_before_its_first_phase),
    PROGRAM(execs_in_the_middle),
    PROGRAM(loses_its_folder),
    PROGRAM(loses_its_folder_and_reports),
    PROGRAM(closes_stderr),
};

static const struct CMUnitTest tests[] = {
    FRESH(stderr_is_the_default, .status = 0),
    FRESH(percent_p_is_the_process, .status = 0),
    FRESH(an_unwritable_path_is_said_and_replaced_by_stderr, .status = 0),
    FRESH(a_path_that_is_too_long_is_refused, .status = 0),
    FRESH(a_folder_that_goes_away_is_said, .status = 0),
    FRESH(a_device_is_written_to_and_not_replaced, .status = 0),
    FRESH(a_pipe_is_written_to, .status = 0),
    FRESH(a_child_has_a_report_of_its_own, .status = 0),
    FRESH(children_of_a_process_without_phases_do_not_take_its_name, .status = 0),
    FRESH(an_exec_leaves_a_part, .status = 0),
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--program") == 0)
        return run_as_program(argv[2], programs, sizeof programs / sizeof *programs);
    return cmocka_run_group_tests(tests, make_run_folder, remove_run_folder);
}
