/*
 * costs.c - what a MIN_BYTES costs the provers, as `make bench` has counted and measured it. A
 * sweep measures no costs: it reads that table.
 *
 * Counts are exact, so any difference is a real one. Times are printed only with the 95 %
 * confidence interval of their median, and are no cost as long as that interval includes the time
 * at MIN_BYTES 0.
 */
#include "sweep.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 48, PINNED_ROW = -1, COLUMNS_MOST = 32 };

/* The columns of the table that are read; figure_columns has their names. */
enum figure {
    INSTRUCTIONS,  /* of a warm proof */
    FIRST_MISSES,  /* in simulated first-level caches */
    PAGE_FAULTS,   /* of a warm proof */
    MOVED_PERCENT, /* of the bytes of a proof, from arena to system */
    RATIO,         /* of the time of a warm proof to that under blind at MIN_BYTES 0 */
    RATIO_LOW,     /* the interval of its median */
    RATIO_HIGH,
    FIGURE_COUNT
};

static const char *const figure_columns[FIGURE_COUNT] = {
    "instructions", "d1_misses", "page_faults", "moved_percent", "median_ratio", "low", "high",
};

struct cost {
    char workload[NAME_ROOM];
    long min_bytes;              /* under blind recycling; or PINNED_ROW: pinned, at its default */
    double figure[FIGURE_COUNT]; /* NaN if not measured */
};

struct costs {
    struct cost *rows;
    size_t count;
};

/* The positions of the columns in the table. */
struct layout {
    size_t fields;
    size_t place[FIGURE_COUNT];
};

/* Splits the line in place, and counts its fields; 0 when there are more than COLUMNS_MOST. */
static size_t split(char *line, char *fields[COLUMNS_MOST])
{
    size_t count = 0;
    char *rest = line;
    char *field;

    line[strcspn(line, "\n")] = '\0';
    while ((field = strsep(&rest, "\t")) != NULL && count < COLUMNS_MOST)
        fields[count++] = field;
    return field == NULL ? count : 0;
}

/* False if the line is not the header of a table of costs. */
static bool parse_header(char *line, struct layout *layout)
{
    char *fields[COLUMNS_MOST];

    layout->fields = split(line, fields);
    if (layout->fields < 2 || strcmp(fields[0], "workload") != 0 ||
        strcmp(fields[1], "min_bytes") != 0)
        return false;
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        size_t place = 2;

        while (place < layout->fields && strcmp(fields[place], figure_columns[i]) != 0)
            place++;
        if (place == layout->fields)
            return false;
        layout->place[i] = place;
    }
    return true;
}

/* False if the text is neither a number nor NA, which is NaN. */
static bool parse_figure(const char *text, double *value)
{
    char *end;

    if (strcmp(text, "NA") == 0) {
        *value = NAN;
        return true;
    }
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value) && *value >= 0;
}

static bool parse_min_bytes(const char *text, long *value)
{
    char *end;

    if (strcmp(text, "pinned") == 0) {
        *value = PINNED_ROW;
        return true;
    }
    errno = 0;
    *value = strtol(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && *value >= 0;
}

/* False if the line is no row of such a table. Instructions must not be NA: without them there is
 * no cost to print. */
static bool parse_row(char *line, const struct layout *layout, struct cost *row)
{
    char *fields[COLUMNS_MOST];

    if (split(line, fields) != layout->fields || *fields[0] == '\0' ||
        strlen(fields[0]) >= sizeof row->workload)
        return false;
    stpcpy(row->workload, fields[0]);
    if (!parse_min_bytes(fields[1], &row->min_bytes))
        return false;
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        if (!parse_figure(fields[layout->place[i]], &row->figure[i]))
            return false;
    return row->figure[INSTRUCTIONS] > 0;
}

static void read_rows(const char *path, FILE *from, struct costs *costs)
{
    struct layout layout = {0};
    char *line = NULL;
    size_t room = 0;

    for (size_t number = 1; getline(&line, &room, from) > 0; number++) {
        struct cost row;

        if (number == 1 && !parse_header(line, &layout))
            die(2, "%s: not a table of costs: run make bench, or name one with --costs", path);
        if (number == 1)
            continue;
        if (!parse_row(line, &layout, &row))
            die(2, "%s: line %zu: not a row of costs: run make bench again", path, number);
        costs->rows = need(reallocarray(costs->rows, costs->count + 1, sizeof row));
        costs->rows[costs->count++] = row;
    }
    free(line);
    if (costs->count == 0)
        die(2, "%s: no rows: run make bench, or name a table with --costs", path);
}

static const struct cost *find(const struct costs *costs, const char *workload, long min_bytes)
{
    for (size_t i = 0; i < costs->count; i++)
        if (costs->rows[i].min_bytes == min_bytes && strcmp(costs->rows[i].workload, workload) == 0)
            return &costs->rows[i];
    return NULL;
}

/* The row by which a MIN_BYTES is judged: that of the smallest measured MIN_BYTES that is at least
 * as large, or else of the largest one. */
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

static bool has_pinned(const struct costs *costs)
{
    for (size_t i = 0; i < costs->count; i++)
        if (costs->rows[i].min_bytes == PINNED_ROW)
            return true;
    return false;
}

/* By how many percent a figure of the row is above the same workload's at MIN_BYTES 0; NaN if one
 * of them is not known. */
static double percent_more(const struct costs *costs, const struct cost *row, enum figure which)
{
    const struct cost *none = find(costs, row->workload, 0);

    if (none == NULL || !(none->figure[which] > 0))
        return NAN;
    return 100 * (row->figure[which] / none->figure[which] - 1);
}

static double faults_more(const struct costs *costs, const struct cost *row, enum figure which)
{
    const struct cost *none = find(costs, row->workload, 0);

    return none == NULL ? NAN : row->figure[which] - none->figure[which];
}

/* The same for the time, whose ratio the table already has. */
static double percent_slower(const struct costs *costs, const struct cost *row, enum figure which)
{
    (void)costs;
    return 100 * (row->figure[which] - 1);
}

/* Prints what min_bytes, or PINNED_ROW, costs each workload. */
static void print_row(const struct costs *costs, long min_bytes)
{
    char name[32] = "pinned";

    if (min_bytes != PINNED_ROW)
        snprintf(name, sizeof name, "%ld", min_bytes);
    printf("  %9s", name);
    for (size_t i = 0; i < costs->count; i++) {
        const struct cost *row;
        char text[64] = "NA";

        if (!is_first(costs, i, true))
            continue;
        row = find(costs, costs->rows[i].workload, min_bytes);
        if (row != NULL && !isnan(percent_more(costs, row, INSTRUCTIONS))) {
            int used =
                snprintf(text, sizeof text, "%+.2f %%", percent_more(costs, row, INSTRUCTIONS));

            if (!isnan(row->figure[MOVED_PERCENT]))
                snprintf(text + used, sizeof text - (size_t)used, " (%.2f)",
                         row->figure[MOVED_PERCENT]);
        }
        printf("  %20s", text);
    }
    putchar('\n');
}

static void print_curve(const struct costs *costs)
{
    printf("  %9s", "MIN_BYTES");
    for (size_t i = 0; i < costs->count; i++)
        if (is_first(costs, i, true))
            printf("  %20s", costs->rows[i].workload);
    putchar('\n');
    for (size_t i = 0; i < costs->count; i++)
        if (costs->rows[i].min_bytes != PINNED_ROW && is_first(costs, i, false))
            print_row(costs, costs->rows[i].min_bytes);
    if (has_pinned(costs))
        print_row(costs, PINNED_ROW);
}

typedef double measure(const struct costs *costs, const struct cost *row, enum figure which);

/* The row by which min_bytes, or PINNED_ROW, is judged for the workload. */
static const struct cost *judged_by(const struct costs *costs, const char *workload, long min_bytes)
{
    return min_bytes == PINNED_ROW ? find(costs, workload, PINNED_ROW)
                                   : row_for(costs, workload, min_bytes);
}

/* The workload that min_bytes, or PINNED_ROW, costs most, by a measure; NULL when none is known. */
static const struct cost *dearest(const struct costs *costs, long min_bytes, measure *of,
                                  enum figure which)
{
    const struct cost *worst = NULL;

    for (size_t i = 0; i < costs->count; i++) {
        const struct cost *row;

        if (!is_first(costs, i, true))
            continue;
        row = judged_by(costs, costs->rows[i].workload, min_bytes);
        if (row == NULL || isnan(of(costs, row, which)))
            continue;
        if (worst == NULL || of(costs, row, which) > of(costs, worst, which))
            worst = row;
    }
    return worst;
}

/* Prints the times, after the counts. A workload whose whole interval is above 1 costs time. If
 * there is none, prints how much a workload would have to cost to be distinguished from noise: how
 * far the widest interval reaches above 1. */
static void print_time(const struct costs *costs, long min_bytes)
{
    const struct cost *low = dearest(costs, min_bytes, percent_slower, RATIO_LOW);
    const struct cost *high = dearest(costs, min_bytes, percent_slower, RATIO_HIGH);
    double widest;

    if (low == NULL || high == NULL) {
        fputs("; in time: not measured often enough to tell", stdout);
        return;
    }
    if (low->figure[RATIO_LOW] > 1) {
        printf("; in time %+.1f %% (%+.1f .. %+.1f; %s)", percent_slower(costs, low, RATIO),
               percent_slower(costs, low, RATIO_LOW), percent_slower(costs, low, RATIO_HIGH),
               low->workload);
        return;
    }
    widest = percent_slower(costs, high, RATIO_HIGH);
    printf("; in time no cost that can be told from noise (+-%.1f %%)", widest > 0 ? widest : 0);
}

/* Prints the most that min_bytes, or PINNED_ROW, costs, separately in each measure. */
static void print_price(const struct costs *costs, const char *what, long min_bytes)
{
    const struct cost *most = dearest(costs, min_bytes, percent_more, INSTRUCTIONS);
    const struct cost *misses = dearest(costs, min_bytes, percent_more, FIRST_MISSES);
    const struct cost *faults = dearest(costs, min_bytes, faults_more, PAGE_FAULTS);

    if (most == NULL)
        return;
    printf("%s costs at most %+.2f %% of the instructions of blind at 0 (%s", what,
           percent_more(costs, most, INSTRUCTIONS), most->workload);
    if (min_bytes != PINNED_ROW)
        printf(", counted at %ld", most->min_bytes);
    putchar(')');
    if (misses != NULL)
        printf(",\n%+.2f %% of its cache misses (first level, %s)",
               percent_more(costs, misses, FIRST_MISSES), misses->workload);
    if (faults != NULL)
        printf(", %+.0f page faults a proof (%s)", faults_more(costs, faults, PAGE_FAULTS),
               faults->workload);
    print_time(costs, min_bytes);
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
    char what[48];

    puts("\nWhat a MIN_BYTES costs the provers under blind recycling: instructions of a proof to "
         "those at MIN_BYTES 0 "
         "(and\npercent of its bytes that come from system then), as make bench counted it:");
    print_curve(costs);
    snprintf(what, sizeof what, "MIN_BYTES %ld", min_bytes);
    print_price(costs, what, min_bytes);
    if (has_pinned(costs))
        print_price(costs, "Pinned instead, which needs no MIN_BYTES and saves what none can,",
                    PINNED_ROW);
}

void costs_free(struct costs *costs)
{
    if (costs != NULL)
        free(costs->rows);
    free(costs);
}
