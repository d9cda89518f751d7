/*
 * audited_programs.h - shared by the tests of the audit. Each body runs programs under the audit, in separate
 * processes and in a folder of its own, and checks what they leave there.
 */
#ifndef ZK_AUDITED_PROGRAMS_H
#define ZK_AUDITED_PROGRAMS_H

#include "retained_blocks.h"
#include "run_folder.h"

#include <dirent.h>
#include <sys/resource.h>

/* Gives either audit something to find. */
static inline void retain_and_touch(size_t size)
{
    char *p;

    next_phase();
    p = make(size);
    *p = 1;
    next_phase();
    *(volatile char *)p = 2;
}

static inline void program_returns(void)
{
    retain_and_touch(5000);
    end_phase();
}

/* A program that a test runs in a separate process: the arguments are --program and the name. */
struct program {
    const char *name;
    void (*body)(void);
};
#define PROGRAM(name)                                                                              \
    {                                                                                              \
#name, program_##name                                                                      \
    }

static inline int run_as_program(const char *name, const struct program *programs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(programs[i].name, name) == 0) {
            programs[i].body();
            return 0;
        }
    fprintf(stderr, "test_audit: no program %s\n", name);
    return 2;
}

#define SANITIZER_OPTIONS                                                                          \
    "handle_segv=0:handle_abort=0:handle_sigfpe=0:handle_sigbus=0:handle_sigill=0"

static const char *last_audit;

/* Runs it under the audit; its stderr goes to the file "said". Returns its exit status, or 128 +
 * signal; *pid is its process id. */
static inline int run_program(const char *name, const char *audit, const char *out, pid_t *pid)
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
        /* Keeps a sanitizer from changing how a process ends. */
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

static inline bool said(const char *what)
{
    return strstr(read_file("said"), what) != NULL;
}

static inline bool said_nothing(void)
{
    return *read_file("said") == '\0';
}

static inline size_t files_here(void)
{
    DIR *here = opendir(".");
    size_t count = 0;

    CHECK(here != NULL);
    for (const struct dirent *entry; (entry = readdir(here)) != NULL;)
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "said") != 0;
    closedir(here);
    return count;
}

static inline bool is_census(void)
{
    return strcmp(last_audit, "census") == 0;
}

/* The report at path is of the last audit, with the one finding of retain_and_touch(size). */
static inline void is_a_report_on(const char *path, size_t size)
{
    struct findings found = parse_findings(read_file(path));

    CHECK(found.columns == (is_census() ? 15 : 23));
    CHECK(found.count == 1 && number_in(&found, 1, "size") == size);
    name_places(&found, "");
    CHECK(field_is(&found, 1, "symbol", "make"));
    CHECK(strstr(field(&found, 1, "module"), "/test_audit") != NULL);
    CHECK(is_census() || field_is(&found, 1, "kind", "touched"));
}

static inline void is_a_table_of_sizes(const char *path, unsigned phases, unsigned count)
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

static const char *const audits[] = {"census", "trap"};

#define EACH_AUDIT(name)                                                                           \
    const char *name = audits[0];                                                                  \
    name != NULL;                                                                                  \
    name = name == audits[0] ? audits[1] : NULL

#endif
