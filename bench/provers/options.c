/*
 * options.c - the command line of a prover program: defaults, limits, and messages about bad input.
 */
#include "options.h"

#include "failure.h"
#include "spans.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { iterations_most = 1000000, threads_most = 1024, tampered_most = 1000000 };

static const struct option long_options[] = {
    {"iters", required_argument, NULL, 'i'},
    {"log-size", required_argument, NULL, 'l'},
    {"threads", required_argument, NULL, 't'},
    {"spans", required_argument, NULL, 's'},
    {"seed", required_argument, NULL, 'S'},
    {"phases", required_argument, NULL, 'p'},
    {"tampered", required_argument, NULL, 'T'},
    {"report", required_argument, NULL, 'r'},
    {"team", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

_Noreturn static void help(const struct workload *workload, const struct command *defaults)
{
    printf("usage: %s [OPTION]...\n%s\n\n", workload->name, workload->summary);
    printf(
        "  --iters N        proofs to make; the first is timed apart (%u)\n"
        "  --log-size N     size of the statement, %u to %u (%u)\n"
        "  --threads N      OpenMP threads (%u here: one for each processor)\n"
        "  --spans N        spans of a logging registry opened in each step (%u)\n"
        "  --seed N         of the statements and of what is tampered with (%llu)\n"
        "  --phases on|off  begin phases, if the allocator has any (on)\n"
        "  --team T         when libgomp makes its threads: before any phase, or inside the first "
        "one (before)\n"
        "  --tampered N     tampered proofs to try, and three more; 0: none at all (%u)\n"
        "  --report FILE    write the results there, a key, a tab and a value in each line\n"
        "  --help\n\n",
        defaults->options.iterations, workload->log_size_least, workload->log_size_most,
        workload->log_size, defaults->options.threads, defaults->options.spans,
        (unsigned long long)defaults->options.seed, defaults->tampered);
    puts("Exit status: 0 all proofs verified and all tampered ones were rejected; 1 not so; 2 "
         "usage;\n"
         "3 no memory, or no phase; 4 the span registry panicked.");
    exit(fflush(stdout) == 0 ? 0 : 2);
}

/* The report is written at the end, but whether it can be written must be known before the work. */
static void check_directory(const char *path)
{
    char *directory = strdup(path);
    const char *name = directory != NULL ? dirname(directory) : ".";

    if (access(name, W_OK | X_OK) != 0)
        failure(2, "--report %s: %s: want a file in a directory that can be written to", path,
                strerror(errno));
    free(directory);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < least || value > most)
        failure(2, "--%s %s: want a number from %llu to %llu", option, text,
                (unsigned long long)least, (unsigned long long)most);
    return value;
}

/* Is it the first of two words? */
static bool either(const char *option, const char *text, const char *first, const char *second)
{
    if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
        failure(2, "--%s %s: want %s or %s", option, text, first, second);
    return strcmp(text, first) == 0;
}

/* One option; name is its long name. */
static void take(const struct workload *workload, struct command *command, int letter,
                 const char *name)
{
    struct workload_options *options = &command->options;

    switch (letter) {
    case 'i':
        options->iterations = (unsigned)number(name, optarg, 1, iterations_most);
        break;
    case 'l':
        options->log_size =
            (unsigned)number(name, optarg, workload->log_size_least, workload->log_size_most);
        break;
    case 't':
        options->threads = (unsigned)number(name, optarg, 1, threads_most);
        break;
    case 's':
        options->spans = (unsigned)number(name, optarg, 0, SPANS_MOST);
        break;
    case 'S':
        options->seed = number(name, optarg, 0, UINT64_MAX);
        break;
    case 'p':
        options->phases = either(name, optarg, "on", "off");
        break;
    case 'm':
        options->late_team = either(name, optarg, "inside", "before");
        break;
    case 'T':
        command->tampered = (unsigned)number(name, optarg, 0, tampered_most);
        break;
    default:
        if (*optarg == '\0')
            failure(2, "--report: empty: want a file name");
        check_directory(optarg);
        command->report = optarg;
    }
}

struct command options_parse(const struct workload *workload, int argc, char **argv)
{
    const struct command defaults = {
        .options = {.iterations = 8,
                    .log_size = workload->log_size,
                    .threads = (unsigned)omp_get_num_procs(),
                    .spans = 0,
                    .seed = 1,
                    .phases = true},
        .tampered = 32,
    };
    struct command command = defaults;
    int which = 0;
    int letter;

    opterr = 0; /* we print errors ourselves */
    while ((letter = getopt_long(argc, argv, ":", long_options, &which)) != -1) {
        if (letter == 'h')
            help(workload, &defaults);
        if (letter == ':')
            failure(2, "%s: no value: see --help", argv[optind - 1]);
        if (letter == '?')
            failure(2, "%s: unknown option, or one without a value: see --help", argv[optind - 1]);
        take(workload, &command, letter, long_options[which].name);
    }
    if (optind < argc)
        failure(2, "%s: not an option: see --help", argv[optind]);
    return command;
}
