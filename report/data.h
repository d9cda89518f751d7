/*
 * data.h - the data of the report: the tables in results/, and the descriptions that the repros
 * print.
 *
 * All of it is kept until the end. An error in a file ends the program, with one line and exit 2.
 */
#ifndef DATA_H
#define DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);
void *need(void *p); /* ends the program when p is NULL */

/* A table of tab-separated values with a header. */
struct table {
    const char *name; /* of the file */
    bool there;
    char **columns;
    size_t column_count;
    char ***rows;
    size_t row_count;
};

/* The table's field `there` is false when there is no such file. */
struct table table_read(const char *folder, const char *name);

/* The number of a column; ends the program when the table, which exists, has none of this name. */
size_t table_column(const struct table *table, const char *name);
const char *table_text(const struct table *table, size_t row, const char *column);

/* False for NA, and for text that is no number. */
bool number_of(const char *text, double *number);

/* The row in which these columns have these values; row_count if there is none. column2 may be NULL. */
size_t table_find(const struct table *table, const char *column, const char *value,
                  const char *column2, const char *value2);

/* The kinds of repros, in the order in which they are shown. */
enum kind {
    KIND_MODEL,    /* models a library's structure: includes a file of repro/models */
    KIND_REAL,     /* on a real library: it is in repro/real */
    KIND_CONTRACT, /* only program and allocator: realloc and phases, no library */
    KIND_UNSAVED,  /* the same, where no MIN_BYTES helps */
    KIND_CONTROL,  /* its class is "control": nothing may go wrong */
    KINDS,
};

extern const char *const kind_titles[KINDS];
extern const char *const kind_notes[KINDS]; /* what a reader should know about each kind; a line */

/* A program of repro/, as its --describe and --explain describe it. */
struct repro {
    const char *slug;
    const char *id;
    const char *class;
    const char *title;
    const char *severity;
    const char *claim;                           /* NA if there is none */
    const char *story;                           /* --explain, without its first line */
    const char *observed, *touched, *guaranteed; /* from thresholds.tsv */
    const char *bound; /* the guaranteed bound; "none" if any of the three is "none" */
    enum kind kind;
};

struct data {
    struct table matrix, sweep, thresholds, findings, claims, laws, crates, cost, bench,
        bench_memory, bench_targets, pairs, begin, memory, soundness;
    struct repro *repros; /* sorted by kind, then by bound, the largest first, then by name */
    size_t repro_count;
    const char *machine; /* bench_machine.txt, or NULL */
    const char *forces;  /* the repro with the largest bound, and that bound */
    unsigned long long bound;
};

/* results: the folder of the tables; findings: the file; programs: the folder of the repros;
 * sources: the folder of their sources, which tell a repro's kind. */
struct data data_read(const char *results, const char *findings, const char *programs,
                      const char *sources);

const struct repro *data_repro(const struct data *data, const char *slug); /* or NULL */

/* Is the repro with this number the first of its kind? */
bool data_begins_kind(const struct data *data, size_t i);

/* The characters of a word, such as a repro's name or a finding's number. */
extern const char word_letters[];

/* Writes text with each name of a repro and each number of a finding as a link to it. */
void data_linked(FILE *out, const struct data *data, const char *text);

#endif
