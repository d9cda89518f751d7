/*
 * test_audit.c - where the report of an audit goes, in whatever way a process ends. What is in it is
 * test_census.c's and test_trap.c's.
 *
 * Each body runs the scenarios at the end of the first part as programs of their own, in a folder of
 * its own, and looks at what they leave there.
 */
#include "findings.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

/* ---- Programs ---- */

SITE static void *make(size_t size)
{
    void *p = zk_malloc(size);

    STAY_IN_FRAME();
    return p;
}

/* Something for either audit to find. */
static void retain_and_touch(size_t size)
{
    char *p;

    next_phase();
    p = make(size);
    *p = 1;
    next_phase();
    *(volatile char *)p = 2;
}

static void program_returns(void)
{
    retain_and_touch(5000);
    end_phase();
}

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
    make(1); /* not in the report any more */
    next_phase();
    CHECK(zk_audit_report(-1) == 0);
    _exit(6);
}

static void program_reports_and_exits(void)
{
    retain_and_touch(5000);
    CHECK(zk_audit_report(-1) == 0);
    exit(0); /* says nothing more */
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

SITE static size_t overflow_the_stack(size_t levels)
{
    volatile char frame[1000] = {0};
    size_t reached = 0;

    frame[levels % sizeof frame] = 1;
    if (levels < SIZE_MAX)
        reached = overflow_the_stack(levels + 1) + 1;
    STAY_IN_FRAME();
    return reached + (size_t)frame[0];
}

static void program_overflows_its_stack(void)
{
    retain_and_touch(5000);
    overflow_the_stack(0);
}

static void *overflow_on_thread(void *arg)
{
    make(10);
    overflow_the_stack(0);
    return arg;
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

/* Waits for the child. */
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

static const struct program {
    const char *name;
    void (*body)(void);
} programs[] = {
#define PROGRAM(name)                                                                              \
    {                                                                                              \
#name, program_##name                                                                      \
    }
    PROGRAM(returns),
    PROGRAM(exits_in_a_phase),
    PROGRAM(quick_exits),
    PROGRAM(underscore_exits),
    PROGRAM(reports_and_underscore_exits),
    PROGRAM(reports_and_exits),
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
    PROGRAM(forks),
    PROGRAM(forks_before_its_first_phase),
    PROGRAM(execs_in_the_middle),
    PROGRAM(loses_its_folder),
    PROGRAM(loses_its_folder_and_reports),
    PROGRAM(closes_stderr),
    PROGRAM(reports_on_many_threads),
};

static int run_as_program(const char *name)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(programs[i].name, name) == 0) {
            programs[i].body();
            return 0;
        }
    fprintf(stderr, "test_audit: no program %s\n", name);
    return 2;
}

/* ---- Running them ---- */

/* Of this run alone: others may go on at once. Each body has a folder in it. */
static char run_folder[] = "/tmp/test_audit.XXXXXX";

static int make_run_folder(void **state)
{
    (void)state;
    return mkdtemp(run_folder) == NULL ? -1 : 0;
}

static void enter_folder(void)
{
    char folder[sizeof run_folder + 16];

    snprintf(folder, sizeof folder, "%s/XXXXXX", run_folder);
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
}

#define SANITIZER_OPTIONS                                                                          \
    "handle_segv=0:handle_abort=0:handle_sigfpe=0:handle_sigbus=0:handle_sigill=0"

static const char *last_audit;

/* Runs it under the audit; with what it says in the file "said". Its exit status, or 128 + signal;
 * *pid is whose it was. */
static int run_program(const char *name, const char *audit, const char *out, pid_t *pid)
{
    int status;
    pid_t child = fork();

    last_audit = audit;
    CHECK(child >= 0);
    if (child == 0) {
        int said = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0644);

        CHECK(said >= 0 && dup2(said, STDERR_FILENO) == STDERR_FILENO);
        CHECK(setenv("ZK_ALLOC_AUDIT", audit, 1) == 0);
        CHECK(out == NULL || setenv("ZK_ALLOC_AUDIT_OUT", out, 1) == 0);
        /* A sanitizer keeps to itself how a process ends. */
        CHECK(setenv("ASAN_OPTIONS", SANITIZER_OPTIONS ":detect_leaks=0", 1) == 0);
        CHECK(setenv("TSAN_OPTIONS", SANITIZER_OPTIONS, 1) == 0);
        CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
        alarm(FORK_LIMIT_S);
        execl("/proc/self/exe", "test_audit", "--program", name, (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (pid != NULL)
        *pid = child;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool said(const char *what)
{
    return strstr(read_file("said"), what) != NULL;
}

static bool said_nothing(void)
{
    return *read_file("said") == '\0';
}

static bool there_is(const char *path)
{
    return access(path, F_OK) == 0;
}

static size_t files_here(void)
{
    DIR *here = opendir(".");
    size_t count = 0;

    CHECK(here != NULL);
    for (const struct dirent *entry; (entry = readdir(here)) != NULL;)
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "said") != 0;
    closedir(here);
    return count;
}

static bool is_census(void)
{
    return strcmp(last_audit, "census") == 0;
}

/* Of the last audit, with the one finding of retain_and_touch(size). */
static void is_a_report_on(const char *path, size_t size)
{
    struct findings found = parse_findings(read_file(path));

    CHECK(found.columns == (is_census() ? 15 : 23));
    CHECK(found.count == 1 && number_in(&found, 1, "size") == size);
    name_places(&found, "");
    CHECK(field_is(&found, 1, "symbol", "make"));
    CHECK(strstr(field(&found, 1, "module"), "/test_audit") != NULL);
    CHECK(is_census() || field_is(&found, 1, "kind", "touched"));
}

static void is_a_table_of_sizes(const char *path, unsigned phases, unsigned count)
{
    struct findings sizes = parse_findings(read_file(path));

    CHECK(sizes.columns == 15 && sizes.count >= 1);
    CHECK(sum_of(&sizes, "count") == count);
    for (size_t row = 1; row <= sizes.count; row++) {
        unsigned long long bytes = number_in(&sizes, row, "bytes");

        CHECK(number_in(&sizes, row, "phases") == phases);
        CHECK(number_in(&sizes, row, "min_bytes") == 4096);
        CHECK(bytes >= number_in(&sizes, row, "size_from") * number_in(&sizes, row, "count"));
        CHECK(bytes <= number_in(&sizes, row, "size_to") * number_in(&sizes, row, "count"));
    }
}

static const char *named(const char *format, pid_t pid)
{
    static char path[64];

    snprintf(path, sizeof path, format, (int)pid); // NOLINT
    return path;
}

static const char *const audits[] = {"census", "trap"};

#define EACH_AUDIT(name)                                                                           \
    const char *name = audits[0];                                                                  \
    name != NULL;                                                                                  \
    name = name == audits[0] ? audits[1] : NULL

/* ---- How a process ends ---- */

/* A whole report in its place, and nothing else. */
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

/* Nobody is told, but for the .part; unless a trap sees the process end. */
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
    for (size_t i = 0; i < 4030; i += 2) /* as long as that after all */
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
        /* The child's block and, retained when it began as well, its parent's: told by the parent. */
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

static int remove_run_folder(void **state)
{
    char command[sizeof run_folder + 16];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", run_folder);
    return system(command) == 0 ? 0 : -1; // NOLINT(cert-env33-c)
}

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
        return run_as_program(argv[2]);
    return cmocka_run_group_tests(tests, make_run_folder, remove_run_folder);
}
