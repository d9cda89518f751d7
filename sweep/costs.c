/*
 * costs.c - the other half of the answer: what a MIN_BYTES costs the provers, as `make bench` measured it.
 * A sweep measures no time; it reads the table.
 */
#include "sweep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char header[] =
    "workload\tmin_bytes\tmedian_ratio\tlow\thigh\tmoved_bytes\tmoved_percent";

enum { NAME_ROOM = 48, PINNED_ROW = -1 };

struct cost {
    char workload[NAME_ROOM];
    long min_bytes;       /* under blind recycling; or PINNED_ROW: pinned, at its default */
    double ratio;         /* time of a warm proof to that under blind at MIN_BYTES 0 */
    double moved_percent; /* of the bytes of a proof: to system; negative if not measured */
};

struct costs {
    struct cost *rows;
    size_t count;
};

static double number_or(const char *text, double otherwise)
{
    char *end;
    double value = strtod(text, &end);

    return end == text || *end != '\0' ? otherwise : value;
}

/* False when the line has not the table's seven fields. */
static bool parse_row(char *line, struct cost *row)
{
    char *fields[7];
    size_t count = 0;

    for (char *field = strsep(&line, "\t"); field != NULL && count < 7; field = strsep(&line, "\t"))
        fields[count++] = field;
    if (count != 7 || strlen(fields[0]) >= sizeof row->workload)
        return false;
    stpcpy(row->workload, fields[0]);
    row->min_bytes = strcmp(fields[1], "pinned") == 0 ? PINNED_ROW : atol(fields[1]);
    row->ratio = number_or(fields[2], 0);
    row->moved_percent = number_or(fields[6], -1);
    return row->ratio > 0;
}

static void read_rows(const char *path, FILE *from, struct costs *costs)
{
    char *line = NULL;
    size_t room = 0;

    for (size_t number = 1; getline(&line, &room, from) > 0; number++) {
        struct cost row;

        line[strcspn(line, "\n")] = '\0';
        if (number == 1 && strcmp(line, header) != 0)
            die(2, "%s: not a table of costs: run make bench, or name one with --costs", path);
        if (number == 1)
            continue;
        if (!parse_row(line, &row))
            die(2, "%s: line %zu: not a row of costs: run make bench again", path, number);
        costs->rows = need(reallocarray(costs->rows, costs->count + 1, sizeof row));
        costs->rows[costs->count++] = row;
    }
    free(line);
}

static const struct cost *find(const struct costs *costs, const char *workload, long min_bytes)
{
    for (size_t i = 0; i < costs->count; i++)
        if (costs->rows[i].min_bytes == min_bytes && strcmp(costs->rows[i].workload, workload) == 0)
            return &costs->rows[i];
    return NULL;
}

/* The row that a MIN_BYTES is judged by: the smallest measured that is at least as large, or the
 * largest there is. */
static const struct cost *row_for(const struct costs *costs, const char *workload, long min_bytes)
{
    const struct cost *best = NULL;

    for (size_t i = 0; i < costs->count; i++) {
        const struct cost *row = &costs->rows[i];

        if (row->min_bytes == PINNED_ROW || strcmp(row->workload, workload) != 0)
            continue;
        if (best == NULL || (best->min_bytes < min_bytes && row->min_bytes > best->min_bytes) ||
            (row->min_bytes >= min_bytes && row->min_bytes < best->min_bytes))
            best = row;
    }
    return best;
}

static bool is_first(const struct costs *costs, size_t i, bool by_workload)
{
    for (size_t before = 0; before < i; before++)
        if (by_workload ? strcmp(costs->rows[before].workload, costs->rows[i].workload) == 0
                        : costs->rows[before].min_bytes == costs->rows[i].min_bytes)
            return false;
    return true;
}

static void print_row(const struct costs *costs, const struct cost *of)
{
    char name[32] = "pinned";

    if (of->min_bytes != PINNED_ROW)
        snprintf(name, sizeof name, "%ld", of->min_bytes);
    printf("  %9s", name);
    for (size_t i = 0; i < costs->count; i++) {
        const struct cost *row;
        char text[32] = "NA";

        if (!is_first(costs, i, true))
            continue;
        row = find(costs, costs->rows[i].workload, of->min_bytes);
        if (row != NULL && row->moved_percent >= 0)
            snprintf(text, sizeof text, "%+.1f %% (%.2f)", 100 * (row->ratio - 1),
                     row->moved_percent);
        else if (row != NULL)
            snprintf(text, sizeof text, "%+.1f %%", 100 * (row->ratio - 1));
        printf("  %20s", text);
    }
    putchar('\n');
}

static void print_curve(const struct costs *costs)
{
    const struct cost *pinned = NULL;

    printf("  %9s", "MIN_BYTES");
    for (size_t i = 0; i < costs->count; i++)
        if (is_first(costs, i, true))
            printf("  %20s", costs->rows[i].workload);
    putchar('\n');
    for (size_t i = 0; i < costs->count; i++) {
        if (costs->rows[i].min_bytes == PINNED_ROW)
            pinned = &costs->rows[i];
        else if (is_first(costs, i, false))
            print_row(costs, &costs->rows[i]);
    }
    if (pinned != NULL)
        print_row(costs, pinned);
}

/* The dearest workload at min_bytes, or PINNED_ROW; NULL when none was measured. */
static const struct cost *dearest(const struct costs *costs, long min_bytes)
{
    const struct cost *worst = NULL;

    for (size_t i = 0; i < costs->count; i++) {
        const struct cost *row;

        if (!is_first(costs, i, true))
            continue;
        row = min_bytes == PINNED_ROW ? find(costs, costs->rows[i].workload, PINNED_ROW)
                                      : row_for(costs, costs->rows[i].workload, min_bytes);
        if (row != NULL && (worst == NULL || row->ratio > worst->ratio))
            worst = row;
    }
    return worst;
}

static void print_price(const struct costs *costs, long min_bytes)
{
    const struct cost *routed = dearest(costs, min_bytes);
    const struct cost *pinned = dearest(costs, PINNED_ROW);

    if (routed == NULL)
        return;
    printf("MIN_BYTES %ld costs at most %.1f %% (%s, measured at %ld) of the time of blind at 0",
           min_bytes, 100 * (routed->ratio - 1), routed->workload, routed->min_bytes);
    if (pinned != NULL)
        printf(";\npinned instead, which needs no MIN_BYTES and saves what none can, at most %.1f "
               "%% (%s)",
               100 * (pinned->ratio - 1), pinned->workload);
    puts(".");
}

struct costs *costs_read(const char *path)
{
    struct costs *costs = need(calloc(1, sizeof *costs));
    FILE *from = fopen(path, "r");

    if (from == NULL)
        die(2, "%s: %s: run make bench, or name a table with --costs", path, strerror(errno));
    read_rows(path, from, costs);
    fclose(from);
    return costs;
}

void costs_print(const struct costs *costs, long min_bytes)
{
    if (costs->count == 0)
        return;
    puts("\nWhat a MIN_BYTES costs the provers under blind recycling, in time to MIN_BYTES 0 (and "
         "percent "
         "of their\nbytes that come from system then), as make bench measured it:");
    print_curve(costs);
    print_price(costs, min_bytes);
}

void costs_free(struct costs *costs)
{
    if (costs != NULL)
        free(costs->rows);
    free(costs);
}
