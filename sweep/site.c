/*
 * site.c - finds out who allocates the blocks that force the recommendation: zk-audit, beside this
 * program, gives names to the stacks in a census's report.
 */
#include "sweep.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* zk-audit's columns. */
enum { KIND = 0, SYMBOL = 8, SOURCE = 9, LINE = 10, COLUMNS = 11 };

/* Makes a temporary file that contains text; path ends in XXXXXX, which is replaced. False when
 * that fails. */
static bool write_file(char *path, const char *text)
{
    int file = mkstemp(path);
    size_t bytes = strlen(text);
    bool whole = file >= 0 && write(file, text, bytes) == (ssize_t)bytes;

    if (file >= 0 && close(file) != 0)
        whole = false;
    return whole;
}

/* Makes "function (file:line)" from a row of zk-audit that has both. */
static bool take_row(char *row, char *site, size_t room)
{
    char *fields[COLUMNS];
    char *slash;

    for (int i = 0; i < COLUMNS; i++)
        if ((fields[i] = strsep(&row, "\t")) == NULL)
            return false;
    if (strcmp(fields[KIND], "bound") == 0 || strcmp(fields[KIND], "kind") == 0 ||
        strcmp(fields[SYMBOL], "NA") == 0 || strcmp(fields[LINE], "NA") == 0)
        return false;
    slash = strrchr(fields[SOURCE], '/');
    snprintf(site, room, "%s (%s:%s)", fields[SYMBOL], slash != NULL ? slash + 1 : fields[SOURCE],
             fields[LINE]);
    return true;
}

/* Runs zk-audit on the report in the file at path. */
static void ask_audit(const char *path, char *site, size_t room)
{
    char program[PATH_MAX];
    const char *const command[] = {program, "--min-bytes", "0", "--tsv", "--resolve", path, NULL};
    char *answer;
    char *rest;
    int status;

    snprintf(program, sizeof program, "%s/zk-audit", own_folder());
    rest = answer = ask(command, -1, true, &status);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (take_row(line, site, room))
            break;
    free(answer);
}

static void name(struct bound *bound)
{
    char *path;

    if (bound->report == NULL)
        return;
    if (asprintf(&path, "%s/zk-sweep-site-XXXXXX", temporary_folder(PATH_MAX)) < 0)
        path = need(NULL);
    if (write_file(path, bound->report))
        ask_audit(path, bound->site, sizeof bound->site);
    unlink(path);
    free(path);
}

void sites_name(struct bound *bounds, size_t count)
{
    long most = 0;

    for (size_t i = 0; i < count; i++)
        if (!bounds[i].guaranteed.none && bounds[i].guaranteed.min_bytes > most)
            most = bounds[i].guaranteed.min_bytes;
    for (size_t i = 0; i < count; i++)
        if (bounds[i].guaranteed.min_bytes == most)
            name(&bounds[i]);
}
