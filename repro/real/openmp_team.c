/*
 * openmp_team - the record of a team of threads is kept for the next parallel region.
 *
 * needs: openmp
 *
 * The first parallel region of N threads makes a team record: 1344 + 224 x N bytes in GCC 12's
 * libgomp. At the region's end the pool keeps it, and the next region uses it again if its field
 * says N threads. The filler says so on purpose: otherwise libgomp would make a new one, and no
 * harm would be seen.
 */
#include "repro.h"

#ifndef ZK_MISSING

#include <dirent.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Each thread adds a value: the sum shows whether each of them ran exactly once. */
static unsigned long run_region(int threads)
{
    unsigned long sum = 0;

#pragma omp parallel num_threads(threads) reduction(+ : sum)
    sum += 1ul + (unsigned long)omp_get_thread_num();
    return sum;
}

/* Does a thread of this process sleep? Its state follows its name, which is in parentheses. */
static bool sleeps(const char *id)
{
    char path[64];
    char line[512] = "";
    const char *state;
    FILE *from;

    snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", id);
    from = fopen(path, "r");
    if (from == NULL)
        return true; /* it has ended */
    if (fgets(line, sizeof line, from) == NULL)
        line[0] = '\0';
    fclose(from);
    state = strrchr(line, ')');
    return state != NULL && state[1] == ' ' && state[2] == 'S';
}

static bool others_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    bool all = true;

    if (tasks == NULL)
        abort();
    while ((task = readdir(tasks)) != NULL)
        if (task->d_name[0] != '.' && atol(task->d_name) != syscall(SYS_gettid))
            all = all && sleeps(task->d_name);
    closedir(tasks);
    return all;
}

/* Waits until the team has left the region, as it has in a phase of realistic length: what happens
 * to a thread that is still in it depends on luck. */
static void wait_for_team(void)
{
    while (!others_sleep())
        sched_yield();
}

static void body(struct repro_run *run)
{
    int threads = (int)repro_option(run, "team");
    unsigned long expected = (unsigned long)threads * ((unsigned long)threads + 1) / 2;

    /* The next phase's data: a column of pairs, whose first half is the number of threads. */
    repro_fill_with(run, 0xAAAAAAAA00000000u | (unsigned)threads);
    omp_set_dynamic(0);
    if (omp_get_thread_limit() < threads)
        repro_skip(run, "OpenMP may have %d threads here (OMP_THREAD_LIMIT), and the team has %d",
                   omp_get_thread_limit(), threads);
    omp_set_max_active_levels(1); /* overrides OMP_MAX_ACTIVE_LEVELS */
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (run_region(threads) != expected)
            repro_wrong(run, "not every thread of the team ran exactly once");
        repro_check(run);
        repro_end(run);
        wait_for_team();
    }
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "the compiler has no OpenMP");
}

#endif

static const struct repro_option options[] = {
    {"team", "threads of the parallel region", 16, 2, 255, NULL, "threads"},
    {0},
};

static const struct repro_variant variants[] = {
    {"--team 2", {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--team 12", {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--team 13", {REPRO_CRASH, REPRO_CRASH, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {"--team 64", {REPRO_CRASH, REPRO_CRASH, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_law law = {
    .formula = "1345 + 224 * team",
    .source =
        "the record itself, and for each thread its implicit task and its place in the ordered chain (struct gomp_team, libgomp of GCC 12)",
    .at = (const char *const[]){"--team 2", "--team 12", "--team 13", "--team 16", "--team 17",
                                "--team 31", "--team 32", "--team 33", "--team 64", "--team 128",
                                NULL},
};

static const struct repro_finding findings[] = {
    {"Z7", "c_library",
     "libgomp's team record has 1344 + 224 x threads bytes and is kept for the next parallel region: "
     "from 13 threads on the seed's default of 4096 does not keep it out of the arena",
     "critical",
     "fixed by routing from MIN_BYTES 1345 + 224 x threads on (libgomp of GCC 12): 4257 for 13, 4929 for 16, 15681 for 64",
     REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R24",
    .slug = "openmp_team",
    .class = "threads",
    .title = "the record of a team of threads is kept for the next parallel region",
    .seed = "-",
    .severity = "critical",
    .explain =
        "At its first parallel region, libgomp makes a record of the team: 1344 bytes and 224 for each thread,\n"
        "so 1792 for two threads, 4928 for 16, 15680 for 64. When the region ends, the pool of threads keeps\n"
        "the record, to have it for the next region. If the first region runs inside a phase, the record lies\n"
        "in the arena.\n"
        "\n"
        "In the next phase the record is filler. If its first word still reads N, which data full of the\n"
        "number N see to, it is used again: the threads meet at a barrier that is made of filler, and none\n"
        "ever leaves it. If it reads something else, a new record is made, and nothing is seen: luck.\n"
        "\n"
        "Up to 12 threads the usual threshold of 4096 keeps the record out of the arena. On a machine with 13\n"
        "processors or more the program hangs that was tested on one with 8. --team N: the threshold\n"
        "that saves it is 1344 + 224 x N + 1.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_HANG,
               [REPRO_SEED] = REPRO_HANG,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
