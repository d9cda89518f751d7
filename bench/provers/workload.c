/*
 * workload.c - the loop of a prover program: prove and verify for each statement, tamper, report.
 *
 * Everything that the driver allocates, or makes the C library allocate, is allocated before the
 * first phase. So whatever breaks in a phase belongs to the prover or its libraries.
 */
#include "workload.h"

#include "counters.h"
#include "failure.h"
#include "options.h"
#include "phase.h"
#include "report.h"
#include "spans.h"
#include "tamper.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* One run. */
struct run {
    const struct workload *workload;
    struct command command;
    void *state;
    struct phase_sample *samples;
    bool *verified;
    struct workload_proof kept; /* the last proof that verified ... */
    uint64_t kept_index;        /* ... of this statement */
};

uint64_t workload_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* libgomp creates its team of threads in the first parallel region and keeps it. This creates it in
 * system memory, unless a late team is asked for: created in a phase, the team is a retained block
 * of a library, as in repro/real/openmp_team.c. */
static void start_team(void)
{
    unsigned started = 0;

#pragma omp parallel reduction(+ : started)
    started++;
    if (started == 0)
        abort();
}

/* stdout gets a static buffer: nothing is printed in a phase, and no buffer is allocated in one. */
static void set_up_stdout(void)
{
    static char buffer[4096];

    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

static void set_up(struct run *run)
{
    const struct workload_options *options = &run->command.options;

    counters_open(); /* before any thread starts */
    omp_set_dynamic(0);
    omp_set_num_threads(options->late_team ? 1 : (int)options->threads);
    start_team();
    run->samples = workload_zeroed(options->iterations * sizeof *run->samples);
    run->verified = workload_zeroed(options->iterations * sizeof *run->verified);
    spans_set_up(options->spans);
    phase_set_up(options->phases);
    run->state = run->workload->set_up(options);
    omp_set_num_threads((int)options->threads);
}

static void tear_down(struct run *run)
{
    run->workload->tear_down(run->state);
    spans_tear_down();
    counters_close();
    free(run->kept.data);
    free(run->verified);
    free(run->samples);
}

static void prove_and_verify(struct run *run, unsigned i)
{
    struct workload_proof proof;

    phase_measure(&run->samples[i]);
    spans_set_proof(i + 1);
    proof = run->workload->prove(run->state, i);
    run->verified[i] = run->workload->verify(run->state, i, proof.data, proof.bytes);
    if (!run->verified[i]) {
        free(proof.data);
        return;
    }
    free(run->kept.data);
    run->kept = proof;
    run->kept_index = i;
}

/* The peak of this program; ru_maxrss may be that of the program that started it. */
static uint64_t peak_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    unsigned long long kib = 0;
    char line[256];
    struct rusage usage;

    while (file != NULL && kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoull(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    if (kib == 0) {
        getrusage(RUSAGE_SELF, &usage);
        kib = (unsigned long long)usage.ru_maxrss;
    }
    return kib * 1024;
}

int workload_main(const struct workload *workload, int argc, char **argv)
{
    struct run run = {.workload = workload};
    struct report report;
    bool good;

    failure_set_up(workload->name);
    set_up_stdout();
    run.command = options_parse(workload, argc, argv);
    set_up(&run);
    for (unsigned i = 0; i < run.command.options.iterations; i++)
        prove_and_verify(&run, i);
    report = (struct report){workload,     &run.command,        run.samples,
                             run.verified, {.untouched = true}, peak_bytes()};
    if (run.kept.data != NULL)
        report.tamper = tamper_with(workload, run.state, run.kept_index, &run.kept,
                                    run.command.tampered, run.command.options.seed);
    report_print(&report);
    if (fflush(stdout) != 0)
        failure(2, "stdout: cannot be written to: want a pipe or a file that takes the results");
    if (run.command.report != NULL)
        report_write(&report, run.command.report);
    good = report_verified(&report) == run.command.options.iterations &&
           report.tamper.rejected == report.tamper.tried && report.tamper.untouched;
    tear_down(&run);
    return good ? 0 : 1;
}
