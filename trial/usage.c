/*
 * usage.c - zk-usage: runs a program for zk-trial, with its output in files, and records what it
 * used: page faults, peak memory, and, if the machine can count them, instructions and cycles. It
 * ends with the program's status or signal.
 *
 *     zk-usage USAGE STDOUT STDERR [NAME=VALUE...] PROGRAM [ARGUMENT...]
 *
 * NAME=VALUE is set only for the program. Each line of USAGE has a name, a tab and a number, or NA
 * if the machine cannot count it.
 */
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "zk-usage: %s: %s\n", what, strerror(errno));
    _exit(2);
}

static void send_to(const char *path, int to)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || dup2(fd, to) < 0)
        fail(path);
    close(fd);
}

static void run(char **argv)
{
    char **program = argv + 4;

    while (*program != NULL && strchr(*program, '=') != NULL)
        putenv(*program++);
    if (*program == NULL)
        _exit(2);
    send_to(argv[2], STDOUT_FILENO);
    send_to(argv[3], STDERR_FILENO);
    execvp(*program, program);
    fail(*program);
}

static void print_counter(FILE *file, const char *name, const struct counters *counters,
                          enum counter counter)
{
    if (counters_have(counter))
        fprintf(file, "%s\t%llu\n", name, (unsigned long long)counters->of[counter]);
    else
        fprintf(file, "%s\tNA\n", name);
}

static void write_usage(const char *path, const struct counters *counters,
                        const struct rusage *usage)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        fail(path);
        return;
    }
    fprintf(file, "page_faults\t%ld\n", usage->ru_minflt + usage->ru_majflt);
    fprintf(file, "peak_bytes\t%ld\n", usage->ru_maxrss * 1024);
    print_counter(file, "instructions", counters, COUNTER_INSTRUCTIONS);
    print_counter(file, "cycles", counters, COUNTER_CYCLES);
    if (fclose(file) != 0)
        fail(path);
}

int main(int argc, char **argv)
{
    struct counters counters;
    struct rusage usage;
    pid_t child;
    int status;

    if (argc < 5) {
        fputs("usage: zk-usage USAGE STDOUT STDERR [NAME=VALUE...] PROGRAM [ARGUMENT...]\n",
              stderr);
        return 2;
    }
    counters_open();
    child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0)
        run(argv);
    signal(SIGINT, SIG_IGN); /* the terminal sends it to the program too */
    signal(SIGQUIT, SIG_IGN);
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            fail("wait4");
    counters_read(&counters);
    write_usage(argv[1], &counters, &usage);
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    return WEXITSTATUS(status);
}
