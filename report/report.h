/*
 * report.h - the sections of results/report.html. Each is written to the page's stream; a section
 * whose tables are missing says so, and names the command that makes them.
 */
#ifndef REPORT_H
#define REPORT_H

#include "data.h"

#include <stdio.h>

/* ---- matrix.c */
void matrix_write(FILE *out, const struct data *data);
void matrix_picture(FILE *out, const struct data *data); /* an SVG file of its own */
void cells_write(FILE *out, const struct data *data);    /* what the matrix's cells open */
void outcome_badge(FILE *out, const char *outcome);      /* its letter and name, in its colour */

/* How many repros are harmed under the profile; one that cannot run is not counted. */
size_t matrix_harmed(const struct data *data, const char *profile);

/* ---- bounds.c */
void bounds_write(FILE *out, const struct data *data);

/* ---- costs.c */
void costs_write(FILE *out, const struct data *data); /* what MIN_BYTES costs, and pinned */
void bench_write(FILE *out,
                 const struct data *data); /* time and memory, by allocator and workload */
void memory_write(FILE *out, const struct data *data); /* lifetimes */

/* ---- findings.c */
void findings_write(FILE *out, const struct data *data);
void claims_write(FILE *out, const struct data *data);
void stories_write(FILE *out, const struct data *data);
/* Writes an item of a list for each kind of row that names the repro. */
void links_write(FILE *out, const struct data *data, const struct repro *repro);
void soundness_write(FILE *out, const struct data *data);

/* Writes a whole table, folded under a line that names it. */
void table_write(FILE *out, const struct data *data, const struct table *table,
                 const char *summary);

/* Writes "memory.tsv is not there: make bench-memory". */
void missing_write(FILE *out, const char *table, const char *command);

#endif
