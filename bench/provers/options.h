/*
 * options.h - the command line of a prover program.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "workload.h"

struct command {
    struct workload_options options;
    /* Tampered proofs to try, in addition to three that are always tried; 0: none at all. */
    unsigned tampered;
    const char *report; /* file for the report, or NULL */
};

/* Reads the command line. --help prints and exits 0; bad input is one line on stderr and exit 2. */
struct command options_parse(const struct workload *workload, int argc, char **argv);

#endif
