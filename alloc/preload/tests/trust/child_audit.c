/*
 * child_audit.c - what a child retains is not among its parent's findings, however the child was made:
 * the parent's report has what the parent kept, and the name of the child's report ends in its process
 * id. Argument: the way.
 */
#include "trust.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    of_both = 11008,
    of_parent = 12016,
    of_child = 13008
}; /* bytes; no other block has this size */

static void *volatile kept[3];

static pid_t make_child(const char *way)
{
    if (strcmp(way, "_Fork") == 0)
        return _Fork();
    if (strcmp(way, "clone") == 0)
        return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    NEED(strcmp(way, "fork") == 0);
    return fork();
}

/* Keeps a block of that size across a begin, and uses it after that. */
static void *retain(size_t bytes)
{
    char *volatile block;

    NEED(begin_phase() == 0);
    block = malloc(bytes);
    NEED(end_phase() == 0);
    NEED(begin_phase() == 0);
    block[0] = 1;
    NEED(end_phase() == 0);
    return block;
}

/* The child shares the memory of its parent, which goes on: the child must not write the report. */
static void make_child_that_dies(void)
{
    int status = -1;
    pid_t child = vfork(); /* NOLINT: that is what is tested */

    if (child == 0) {
        kill(getpid(), SIGTERM); /* NOLINT: as above */
        _exit(99);
    }
    NEED(child > 0 && waitpid(child, &status, 0) == child);
    NEED(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* The audited program, run with ZK_ALLOC_AUDIT_OUT. Prints its child's process id. */
static int run_audited(const char *way)
{
    pid_t child = 0;

    kept[0] = retain(of_both);
    if (strcmp(way, "vfork") == 0) {
        make_child_that_dies();
    } else if ((child = make_child(way)) == 0) {
        kept[1] = retain(of_child);
        exit(EXIT_SUCCESS); /* this writes the report */
    } else {
        child_succeeds(child);
    }
    kept[2] = retain(of_parent);
    dprintf(STDERR_FILENO, "%d", child);
    return EXIT_SUCCESS;
}

/* Is there a row in the report for blocks of that size? */
static bool has(const char *report, size_t bytes)
{
    char column[32];

    snprintf(column, sizeof column, "\t%zu\t", bytes);
    return strstr(report, column) != NULL;
}

static void read_report(const char *path, char *report, size_t room)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, report, room - 1);

    NEED(length >= 0);
    report[length] = '\0';
    if (file >= 0)
        close(file);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/child_audit.XXXXXX";
    char path[sizeof folder + sizeof "/report"];
    char child_path[sizeof path + 16];
    static char of_the_parent[1 << 16];
    static char of_the_child[1 << 16];
    static struct run run;

    if (argc == 3)
        return run_audited(argv[1]);
    deadline(20);
    NEED(argc == 2 && mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/report", folder);
    NEED(setenv("ZK_ALLOC_AUDIT_OUT", path, 1) == 0);
    run_again(&run, (const char *const[]){argv[0], argv[1], "audited", NULL});
    snprintf(child_path, sizeof child_path, "%s.%s", path, run.said);
    read_report(path, of_the_parent, sizeof of_the_parent);
    read_report(child_path, of_the_child, sizeof of_the_child);
    NEED(nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS) == 0);
    if (run.status != 0)
        fail("the audited program ended with status %#x: %s", run.status, run.said);
    NEED(has(of_the_parent, of_both) && has(of_the_parent, of_parent));
    NEED(!has(of_the_parent, of_child));
    NEED(has(of_the_child, of_child) == (strcmp(argv[1], "vfork") != 0));
    NEED(!has(of_the_child, of_parent));
    return EXIT_SUCCESS;
}
