/*
 * costs.c - what each MIN_BYTES, pinned, and each allocator cost in time and memory. Each figure
 * has its table under it.
 */
#include "axis.h"
#include "dots.h"
#include "page.h"
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void missing_write(FILE *out, const char *table, const char *command)
{
    page_print(out,
               "<p class=\"soft\">Not there: <code>%s</code>. It is made by <code>%s</code>.</p>\n",
               table, command);
}

/* The end of the rows that have the same text in a column as row has. */
static size_t group_end(const struct table *table, size_t row, const char *column)
{
    const char *name = table_text(table, row, column);

    while (row < table->row_count && strcmp(table_text(table, row, column), name) == 0)
        row++;
    return row;
}

/* A row's value, low and high; NULL stands for columns that the table does not have. */
static struct dot dot_of(const struct table *table, size_t row, const char *name, const char *value,
                         const char *low, const char *high)
{
    struct dot dot = {.name = table_text(table, row, name)};

    dot.known = number_of(table_text(table, row, value), &dot.value);
    if (low == NULL || !number_of(table_text(table, row, low), &dot.low))
        dot.low = dot.value;
    if (high == NULL || !number_of(table_text(table, row, high), &dot.high))
        dot.high = dot.value;
    return dot;
}

/* ---- By allocator: a figure for each workload */

struct columns {
    const char *group; /* the column that names a figure ... */
    const char *and;   /* ... together with this one, or NULL */
    const char *words; /* text between the two */
    const char *value, *low, *high;
};

static int by_allocator(const void *a, const void *b)
{
    return allocator_order(((const struct dot *)a)->name, ((const struct dot *)b)->name);
}

static struct dot *dots_of(const struct table *table, size_t from, size_t to,
                           const struct columns *columns)
{
    struct dot *dots = need(calloc(to - from + 1, sizeof *dots));

    for (size_t row = from; row < to; row++) {
        dots[row - from] =
            dot_of(table, row, "allocator", columns->value, columns->low, columns->high);
        dots[row - from].colour = allocator_colour(dots[row - from].name);
    }
    qsort(dots, to - from, sizeof *dots, by_allocator);
    return dots;
}

static size_t figure_rows(const struct table *table, size_t row, const struct columns *columns)
{
    size_t end = group_end(table, row, columns->group);
    size_t inner = columns->and == NULL ? end : group_end(table, row, columns->and);

    return inner < end ? inner : end;
}

/* shared: all figures have the same scale. */
static void write_allocators(FILE *out, const struct table *table, const struct columns *columns,
                             struct dots_scale scale, bool shared)
{
    const struct dots_scale initial = scale;
    size_t end;

    for (size_t row = 0; shared && row < table->row_count; row = end) {
        struct dot *dots = dots_of(table, row, end = figure_rows(table, row, columns), columns);

        dots_scale_fit(&scale, dots, end - row);
        free(dots);
    }
    fputs("<div class=\"charts\">\n", out);
    for (size_t row = 0; row < table->row_count; row = end) {
        struct dot *dots = dots_of(table, row, end = figure_rows(table, row, columns), columns);
        char title[160];

        if (!shared) {
            scale = initial;
            dots_scale_fit(&scale, dots, end - row);
        }
        snprintf(title, sizeof title, "%s%s%s", table_text(table, row, columns->group),
                 columns->and == NULL ? "" : columns->words,
                 columns->and == NULL ? "" : table_text(table, row, columns->and));
        dots_write(out, title, "", &scale, dots, end - row);
        free(dots);
    }
    fputs("</div>\n", out);
}

/* The figures of a table, and the table under them; if it is missing, the command that makes it. */
static void write_benchmark(FILE *out, const struct data *data, const struct table *table,
                            const struct columns *columns, struct dots_scale scale, bool shared)
{
    char path[64];
    char summary[96];

    snprintf(path, sizeof path, "results/%s", table->name);
    if (!table->there) {
        missing_write(out, path, "make bench");
        return;
    }
    write_allocators(out, table, columns, scale, shared);
    snprintf(summary, sizeof summary, "As a table (%s)", path);
    table_write(out, data, table, summary);
}

void bench_write(FILE *out, const struct data *data)
{
    static const struct columns time = {"workload", NULL,  "", "median_ratio_to_glibc",
                                        "low",      "high"};
    static const struct columns memory = {"workload", NULL, "", "peak_rss_mib", NULL, NULL};
    static const struct columns pairs = {
        "size_bytes", "threads", " bytes, threads: ", "ratio_to_glibc", "low", "high"};

    fputs("<section id=\"bench\">\n<h2>Time and memory, by allocator</h2>\n", out);
    allocators_legend(out);
    fputs("<h3>Time of a warm proof</h3>\n<p>Relative to glibc in the same round: median and "
          "quartiles. Left of the dashed "
          "line is faster.</p>\n",
          out);
    write_benchmark(out, data, &data->bench, &time, (struct dots_scale){1, 1, 1, false}, true);
    fputs("<h3>Memory at its peak</h3>\n<p>Resident, in MiB, of the whole process.</p>\n", out);
    write_benchmark(out, data, &data->bench_memory, &memory, (struct dots_scale){0, 1, 0, false},
                    false);
    fputs("<h3>A malloc and its free</h3>\n<p>Relative to glibc, on a logarithmic axis: median and "
          "quartiles.</p>\n",
          out);
    write_benchmark(out, data, &data->pairs, &pairs, (struct dots_scale){1, 1, 1, true}, false);
    if (data->begin.there)
        table_write(out, data, &data->begin,
                    "What a begin takes, by what is retained (results/begin.tsv)");
    if (data->machine != NULL)
        page_print(
            out,
            "<details><summary>The machine of these figures</summary><pre>%s</pre></details>\n",
            data->machine);
    fputs("</section>\n", out);
}

void memory_write(FILE *out, const struct data *data)
{
    static const struct columns end = {"row", NULL, "", "end_to_glibc", "end_low", "end_high"};
    static const struct columns time = {"row", NULL, "", "time_to_glibc", "time_low", "time_high"};

    fputs("<section id=\"memory\">\n<h2>Memory over lifetimes</h2>\n", out);
    if (data->memory.there) {
        fputs("<p>Programs whose blocks live for different times; relative to glibc, median and "
              "quartiles. "
              "Left of the dashed line is less.</p>\n",
              out);
        allocators_legend(out);
        fputs("<h3>Resident memory at the end</h3>\n", out);
        write_allocators(out, &data->memory, &end, (struct dots_scale){1, 1, 1, false}, false);
        fputs("<h3>Time</h3>\n", out);
        write_allocators(out, &data->memory, &time, (struct dots_scale){1, 1, 1, false}, false);
        table_write(out, data, &data->memory, "As a table (results/memory.tsv)");
    } else {
        missing_write(out, "results/memory.tsv", "make bench-memory");
    }
    fputs("</section>\n", out);
}

/* ---- What a MIN_BYTES costs */

enum {
    WIDTH = 340,
    LEFT = 44,
    RIGHT = 334,
    LAST = 280,   /* where the axis of MIN_BYTES ends ... */
    BESIDE = 310, /* ... and the place of what has no MIN_BYTES */
    TOP = 8,
    MIDDLE = 130,
    LOWER = 150,
    BOTTOM = 200
};

struct cost {
    double min_bytes, ratio, low, high, moved;
};

static struct cost cost_at(const struct table *table, size_t row)
{
    struct cost cost = {0};

    number_of(table_text(table, row, "min_bytes"), &cost.min_bytes);
    number_of(table_text(table, row, "median_ratio"), &cost.ratio);
    number_of(table_text(table, row, "low"), &cost.low);
    number_of(table_text(table, row, "high"), &cost.high);
    number_of(table_text(table, row, "moved_percent"), &cost.moved);
    return cost;
}

static void write_cost_lines(FILE *out, const struct table *table, size_t from, size_t to,
                             const struct axis *x, const struct axis *y)
{
    fputs("<path class=\"band\" d=\"", out);
    for (size_t row = from; row < to; row++) {
        struct cost cost = cost_at(table, row);

        page_print(out, "%c%.1f %.1f", row == from ? 'M' : 'L', axis_at(x, cost.min_bytes),
                   axis_at(y, cost.high));
    }
    for (size_t row = to; row-- > from;) {
        struct cost cost = cost_at(table, row);

        page_print(out, "L%.1f %.1f", axis_at(x, cost.min_bytes), axis_at(y, cost.low));
    }
    fputs("Z\"/><path class=\"curve\" d=\"", out);
    for (size_t row = from; row < to; row++) {
        struct cost cost = cost_at(table, row);

        page_print(out, "%c%.1f %.1f", row == from ? 'M' : 'L', axis_at(x, cost.min_bytes),
                   axis_at(y, cost.ratio));
    }
    fputs("\"/>\n", out);
    for (size_t row = from; row < to; row++) {
        struct cost cost = cost_at(table, row);

        page_print(out,
                   "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"><title>MIN_BYTES %g: "
                   "%g, %g to %g; %g %% of the "
                   "bytes move</title></circle>\n",
                   axis_at(x, cost.min_bytes), axis_at(y, cost.ratio), cost.min_bytes, cost.ratio,
                   cost.low, cost.high, cost.moved);
    }
}

/* Instructions, as a ratio to those at the first row's MIN_BYTES; false where they were not
 * counted. */
static bool instructions_at(const struct table *table, size_t from, size_t row, double *ratio)
{
    double first;
    double here;
    bool counted = false;

    for (size_t i = 0; i < table->column_count; i++)
        counted = counted || strcmp(table->columns[i], "instructions") == 0;
    if (!counted || !number_of(table_text(table, from, "instructions"), &first) || first <= 0 ||
        !number_of(table_text(table, row, "instructions"), &here))
        return false;
    *ratio = here / first;
    return true;
}

static void write_instructions(FILE *out, const struct table *table, size_t from, size_t to,
                               const struct axis *x, const struct axis *y)
{
    const char *separator = "<path class=\"curve c1\" d=\"M";
    double ratio;

    for (size_t row = from; row < to; row++) {
        if (!instructions_at(table, from, row, &ratio))
            continue;
        fputs(separator, out);
        page_print(out, "%.1f %.1f", axis_at(x, cost_at(table, row).min_bytes), axis_at(y, ratio));
        separator = "L";
    }
    if (*separator == 'L')
        fputs("\"/>\n", out);
}

static void write_cost(FILE *out, const struct table *table, size_t from, size_t to,
                       const struct axis *x, const struct dots_scale *scale)
{
    const char *workload = table_text(table, from, "workload");
    struct axis y = axis_round(scale->from, scale->to, MIDDLE, TOP);
    struct axis moved = {.from = 0, .to = 100, .start = BOTTOM, .end = LOWER};
    size_t numbers = to;
    double none;

    while (numbers > from && !number_of(table_text(table, numbers - 1, "min_bytes"), &none))
        numbers--;
    page_print(out, "<figure class=\"c0\"><figcaption>%s</figcaption>\n", workload);
    figure_begin(out, WIDTH, BOTTOM + 20, workload);
    axis_y(out, &y, LEFT, RIGHT);
    page_print(out, "<path class=\"one\" d=\"M%d %.1fH%d\"/>\n", LEFT, axis_at(&y, 1), RIGHT);
    write_cost_lines(out, table, from, numbers, x, &y);
    write_instructions(out, table, from, numbers, x, &y);
    axis_x(out, x, LOWER, BOTTOM);
    for (size_t row = from; row < to; row++) {
        struct cost cost = cost_at(table, row);
        double at = row < numbers ? axis_at(x, cost.min_bytes) : BESIDE;
        double top = axis_at(&moved, cost.moved);

        page_print(out, "<rect class=\"bar\" x=\"%.1f\" width=\"4\" y=\"%.1f\" height=\"%.1f\"/>",
                   at - 2, top, BOTTOM - top);
        if (row >= numbers)
            page_print(out,
                       "<g class=\"c2\"><title>%s: %g, %g to %g</title><path class=\"whisker\" "
                       "d=\"M%.1f %.1fV%.1f\"/><circle "
                       "class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\"/></g><text class=\"mid\" "
                       "x=\"%.1f\" "
                       "y=\"%d\">%s</text>\n",
                       table_text(table, row, "min_bytes"), cost.ratio, cost.low, cost.high, at,
                       axis_at(&y, cost.low), axis_at(&y, cost.high), at, axis_at(&y, cost.ratio),
                       at, BOTTOM + 14, table_text(table, row, "min_bytes"));
    }
    page_print(out,
               "<text class=\"end\" x=\"%d\" y=\"%d\">100 %%</text><text class=\"end\" x=\"%d\" "
               "y=\"%d\">0</text>\n",
               LEFT - 5, LOWER + 8, LEFT - 5, BOTTOM);
    figure_end(out);
    fputs("</figure>\n", out);
}

static void write_costs(FILE *out, const struct table *table)
{
    struct axis x = {
        .from = 32, .to = 64, .start = LEFT, .end = LAST, .logarithmic = true, .first = "0"};
    struct dots_scale scale = {1, 1, 1, false};
    size_t end;

    for (size_t row = 0; row < table->row_count; row++) {
        struct cost cost = cost_at(table, row);

        x.to = fmax(x.to, cost.min_bytes);
        scale.from = fmin(scale.from, cost.low);
        scale.to = fmax(scale.to, cost.high);
    }
    fputs("<div class=\"charts\">\n", out);
    for (size_t row = 0; row < table->row_count; row = end)
        write_cost(out, table, row, end = group_end(table, row, "workload"), &x, &scale);
    fputs("</div>\n", out);
}

/* ---- Targets: what pinned costs */

static const struct {
    const char *target;
    const char *title;
} targets[] = {
    {"pinned_0_to_blind", "time, pinned to blind, both at MIN_BYTES 0"},
    {"pinned_to_glibc", "time, pinned to glibc"},
    {"pinned_to_best_peer", "time, pinned to the best peer"},
    {"pinned_to_static", "time, pinned to the limit"},
    {"pinned_memory_to_mimalloc", "peak memory, pinned to mimalloc"},
};

static void write_targets(FILE *out, const struct table *table)
{
    fputs("<div class=\"charts\">\n", out);
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
        size_t row = table_find(table, "target", targets[t].target, NULL, NULL);
        struct dots_scale scale = {1, 1, 1, false};
        size_t end;
        struct dot *dots;

        if (row == table->row_count)
            continue;
        end = group_end(table, row, "target");
        dots = need(calloc(end - row + 1, sizeof *dots));
        for (size_t i = row; i < end; i++) {
            struct dot *dot = &dots[i - row];
            const char *verdict = table_text(table, i, "verdict");

            *dot = dot_of(table, i, "workload", "value", "low", "high");
            number_of(table_text(table, i, "limit"), &dot->limit);
            dot->colour = strcmp(verdict, "met") == 0 ? 2 : strcmp(verdict, "missed") == 0 ? 4 : 7;
            if (strncmp(dot->name, "prove_", 6) == 0)
                dot->name += 6;
        }
        dots_scale_fit(&scale, dots, end - row);
        dots_write(out, targets[t].title, "", &scale, dots, end - row);
        free(dots);
    }
    fputs("</div>\n", out);
}

void costs_write(FILE *out, const struct data *data)
{
    fputs("<section id=\"costs\">\n<h2>What MIN_BYTES costs, and what pinned costs</h2>\n", out);
    if (data->cost.there) {
        fputs(
            "<p>Above, the time of a proof under blind recycling at each <code>MIN_BYTES</code>, "
            "relative to 0 in the same "
            "round: the median, and its interval as a band; on the right, in green, pinned "
            "recycling in its place. Below, how much of what is allocated goes to malloc.</p>\n<ul "
            "class=\"legend\"><li class=\"c0\"><i></i>time</li><li class=\"c1\"><i></i>instructions, "
            "where they are counted: the same each time</li><li class=\"c2\"><i></i>time, "
            "pinned</li></ul>\n",
            out);
        write_costs(out, &data->cost);
        table_write(out, data, &data->cost, "As a table (results/cost.tsv)");
    } else {
        missing_write(out, "results/cost.tsv", "make bench");
    }
    fputs("<h3>Pinned, in place of a larger MIN_BYTES</h3>\n", out);
    if (data->bench_targets.there) {
        fputs("<p>The median and quartiles of each prover; the upright mark is the "
              "target.</p>\n<ul class=\"legend\"><li "
              "class=\"c2\"><i></i>met</li><li class=\"c4\"><i></i>missed</li><li "
              "class=\"c7\"><i></i>within noise</li></ul>\n",
              out);
        write_targets(out, &data->bench_targets);
        table_write(out, data, &data->bench_targets, "As a table (results/bench_targets.tsv)");
    } else {
        missing_write(out, "results/bench_targets.tsv", "make bench");
    }
    fputs("</section>\n", out);
}
