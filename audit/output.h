/*
 * output.h - files that zk-audit writes besides the screen and the table: each whole, or not at all.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "audit.h"

struct output {
    FILE *file;
    const char *path;
    char *part; /* what is written, until it is whole; NULL where path is a device or a pipe */
};

/* Exits 2 with a line when path cannot be written: before the runs, by output_check. */
void output_check(const char *path);
struct output output_open(const char *path);
void output_close(struct output *output);

/* ---- json.c */
void json_print(const struct audit *audit, const struct lines *notes); /* on stdout */
void sarif_write(const char *path, const struct audit *audit);
void baseline_read(const char *path);
bool json_there(void); /* false: built without the library that these need */

/* ---- folded.c */
void folded_write(const char *path, const struct audit *audit);

/* ---- html.c */
void html_write(const char *path, const struct audit *audit);

/* ---- suppress.c */
void suppressions_read(const char *path);
void suppressions_apply(struct audit *audit); /* once it is judged */
void suppressions_note(const struct audit *audit, struct lines *lines);
void suppressions_write(const char *path, const struct audit *audit);
void baseline_add(const char *function, const char *file, uint64_t size);

#endif
