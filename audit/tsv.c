/*
 * tsv.c - reads a table that the library wrote. Columns are found by name, so a new one does no
 * harm.
 */
#include "audit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char advice[] = "is the program linked with this version of libzkalloc?";

/* Splits line in place, into no more than most_fields fields; returns how many it has. */
static size_t cut(char *line, char **fields, size_t most_fields)
{
    size_t count = 0;

    line[strcspn(line, "\n")] = '\0';
    for (char *field; (field = strsep(&line, "\t")) != NULL; count++)
        if (count < most_fields)
            fields[count] = field;
    return count;
}

static void close_tsv(struct tsv *tsv)
{
    fclose(tsv->file);
    free(tsv->header);
    free(tsv->row);
    free(tsv->names);
    free(tsv->fields);
    *tsv = (struct tsv){0};
}

/* The column's index; tsv->columns if there is none. */
static size_t column_if_any(const struct tsv *tsv, const char *name)
{
    size_t i = 0;

    while (i < tsv->columns && strcmp(tsv->names[i], name) != 0)
        i++;
    return i;
}

static size_t column(const struct tsv *tsv, const char *name)
{
    size_t at = column_if_any(tsv, name);

    if (at < tsv->columns)
        return at;
    die(3, "%s: no column %s: %s", tsv->path, name, advice);
}

bool tsv_open(struct tsv *tsv, const char *path, const char *last)
{
    FILE *file = fopen(path, "re");

    if (file == NULL && errno == ENOENT)
        return false;
    if (file == NULL)
        die(3, "%s: %s: set TMPDIR to a folder that can be written and read", path,
            strerror(errno));
    tsv_start(tsv, file, path, last);
    return true;
}

void tsv_start(struct tsv *tsv, FILE *file, const char *path, const char *last)
{
    *tsv = (struct tsv){.path = path, .file = file, .columns = 1};
    if (getline(&tsv->header, &tsv->header_room, tsv->file) <= 0)
        die(3, "%s: empty report: %s", path, advice);
    for (const char *at = tsv->header; (at = strchr(at, '\t')) != NULL; at++)
        tsv->columns++;
    tsv->names = need(calloc(tsv->columns, sizeof *tsv->names));
    tsv->fields = need(calloc(tsv->columns, sizeof *tsv->fields));
    cut(tsv->header, tsv->names, tsv->columns);
    column(tsv, last);
}

bool tsv_next(struct tsv *tsv)
{
    if (getline(&tsv->row, &tsv->row_room, tsv->file) <= 0) {
        close_tsv(tsv);
        return false;
    }
    if (cut(tsv->row, tsv->fields, tsv->columns) != tsv->columns)
        die(3, "%s: a row that is longer or shorter than its header: %s", tsv->path, advice);
    return true;
}

const char *tsv_text_or(const struct tsv *tsv, const char *name, const char *otherwise)
{
    size_t at = column_if_any(tsv, name);

    return at < tsv->columns ? tsv->fields[at] : otherwise;
}

const char *tsv_text(const struct tsv *tsv, const char *name)
{
    return tsv->fields[column(tsv, name)];
}

uint64_t tsv_number(const struct tsv *tsv, const char *name)
{
    const char *text = tsv_text(tsv, name);
    unsigned long long number;
    char *end;

    if (!known(text))
        return UNKNOWN;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0)
        die(3, "%s: column %s: %s is not a number: %s", tsv->path, name, text, advice);
    return number;
}

uint64_t tsv_number_if_any(const struct tsv *tsv, const char *name)
{
    return column_if_any(tsv, name) < tsv->columns ? tsv_number(tsv, name) : UNKNOWN;
}
