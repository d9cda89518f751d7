/*
 * report.h - what a run found, for people and for machines.
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

/* Prints it to stdout, and what is wrong to stderr. After the last phase. */
void report_print(const struct report *report);

/* Writes the file: a key, a tab and a value in each line, to a temporary file beside it that is then renamed.
 * If that fails, exit 2, and there is no file or the old one. */
void report_write(const struct report *report, const char *path);

#endif
