/*
 * report.h - the results of a run, for people and for machines.
 */
#ifndef REPORT_H
#define REPORT_H

#include "options.h"
#include "phase.h"
#include "tamper.h"

struct report {
    const struct workload *workload;
    const struct command *command;
    const struct phase_sample *samples; /* of each proof */
    const bool *verified;               /* each proof? */
    struct tamper tamper;
    uint64_t peak_bytes; /* resident */
};

/* The number of proofs that verified. */
unsigned report_verified(const struct report *report);

/* Prints the report to stdout, and failures to stderr. To be called after the last phase. */
void report_print(const struct report *report);

/* Writes the file: a key, a tab and a value in each line. It is written to a temporary file, which
 * is then renamed. If that fails, exits with 2, and leaves no file or the old one. */
void report_write(const struct report *report, const char *path);

#endif
