/*
 * tables.h - a table as text: its header and its rows.
 */
#ifndef TABLES_H
#define TABLES_H

#include <stddef.h>

struct table {
    const char *name;
    const char *header;
    char **rows;
    size_t count;
};

/* The order in which a sweep writes them. */
enum table_kind { SWEEP_TABLE, THRESHOLDS_TABLE, MATRIX_TABLE, LAWS_TABLE, TABLES };

struct table table_new(enum table_kind kind);
void table_free(struct table *table);

/* Adds a row, whose memory then belongs to the table. */
void table_add(struct table *table, char *row);

/* The table as text: sorted, without duplicate rows; allocated. */
char *table_text(struct table *table, size_t *bytes);

/* Adds the rows of text, which is split in place. False when text is not such a table, or not a
 * whole one: why has the reason. */
bool table_take(struct table *table, char *text, char *why, size_t room);

#endif
