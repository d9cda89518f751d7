/*
 * output.h - the files that zk-audit writes besides the screen and the table: each is written
 * completely, or not at all.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "audit.h"

struct output {
    FILE *file;
    const char *path;
    char *part; /* the temporary file; NULL where path is a device or a pipe */
};

/* Both exit 2 with a line when path cannot be written; output_check finds that before the runs. */
void output_check(const char *path);
struct output output_open(const char *path);
void output_close(struct output *output);

/* ---- json.c */
void json_print(const struct audit *audit, const struct lines *notes); /* on stdout */
void sarif_write(const char *path, const struct audit *audit);
void baseline_read(const char *path);
bool json_there(void); /* false: built without the JSON library */

/* ---- folded.c */
void folded_write(const char *path, const struct audit *audit);

/* ---- html.c */
void html_write(const char *path, const struct audit *audit);

/* ---- suppress.c */
void suppressions_read(const char *path);
void suppressions_apply(struct audit *audit); /* after the verdict */
void suppressions_note(const struct audit *audit, struct lines *lines);
void suppressions_write(const char *path, const struct audit *audit);
void baseline_add(const char *function, const char *file, uint64_t size);

#endif
