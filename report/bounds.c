/*
 * bounds.c - the three bounds of every repro on one axis, and the limits that a reader can move
 * along it.
 */
#include "axis.h"
#include "page.h"
#include "report.h"

#include <math.h>
#include <string.h>

enum { FROM_LOG2 = 6, FROM = 1 << FROM_LOG2, USUAL = 512, DEFAULT = 4096 };

/* In percent of the axis. */
static double percent(const struct axis *axis, const char *bound)
{
    double value;

    return number_of(bound, &value) ? axis_at(axis, value) : axis->end;
}

static void write_marks(FILE *out, const struct axis *axis, const struct repro *repro)
{
    double seen = percent(axis, repro->observed);
    double touched = percent(axis, repro->touched);
    double sure = percent(axis, repro->bound);
    bool right = sure <= 85; /* to its right, there is room for the number */

    if (strcmp(repro->bound, "none") == 0) {
        fputs("<div class=\"track\"><span class=\"before\" style=\"left:100%\">none "
              "\xE2\x86\x92</span></div>",
              out);
        return;
    }
    fputs("<div class=\"track\">", out);
    if (sure > seen)
        page_print(out, "<i class=\"luck\" style=\"left:%.2f%%;width:%.2f%%\"></i>", seen,
                   sure - seen);
    page_print(out,
               "<i class=\"sure\" style=\"left:%.2f%%\"></i><i class=\"touched\" "
               "style=\"left:%.2f%%\"></i><i class=\"seen\" "
               "style=\"left:%.2f%%\"></i><span class=\"%s\" style=\"left:%.2f%%\">%s</span></div>",
               sure, touched, seen, right ? "behind" : "before", right ? sure : seen, repro->bound);
}

static void write_rows(FILE *out, const struct data *data, const struct axis *axis)
{
    for (size_t i = 0; i < data->repro_count; i++) {
        const struct repro *repro = &data->repros[i];

        if (data_begins_kind(data, i))
            page_print(out, "<div class=\"kind\">%s</div>\n", kind_titles[repro->kind]);
        page_print(out,
                   "<div class=\"row\" data-bound=\"%s\" title=\"%s: observed %s, touched %s, "
                   "guaranteed %s\"><span "
                   "class=\"slug\"><a href=\"#story-%s\">%s</a></span>",
                   repro->bound, repro->slug, repro->observed, repro->touched, repro->guaranteed,
                   repro->slug, repro->slug);
        write_marks(out, axis, repro);
        fputs("</div>\n", out);
    }
}

static void write_ticks(FILE *out, const struct axis *axis)
{
    fputs("<div class=\"ticks\"><b></b><div>", out);
    for (int power = FROM_LOG2; exp2(power) < axis->to; power++) /* the last would stick out */
        page_print(out, "<span class=\"%s\" style=\"left:%.2f%%\">%s</span>",
                   power % 2 != 0 ? "few" : "tick", axis_at(axis, exp2(power)),
                   axis_number(exp2(power), true));
    fputs("</div></div>\n", out);
}

/* ---- Limits */

struct limit {
    const char *name;
    const char *text;
    unsigned long long bytes;
};

static void write_tool(FILE *out, const struct axis *axis, const struct limit *limits)
{
    fputs("<div class=\"tool\">", out);
    for (const struct limit *limit = limits; limit->name != NULL; limit++)
        page_print(out,
                   "<label class=\"limit %s\">%s <input type=\"number\" name=\"%s\" min=\"1\" "
                   "value=\"%llu\"> <input "
                   "type=\"range\" name=\"%s\" min=\"%g\" max=\"%g\" step=\"any\" value=\"%g\" "
                   "aria-label=\"%s\"></label>\n",
                   limit->name, limit->text, limit->name, limit->bytes, limit->name,
                   log2(axis->from), log2(axis->to), log2((double)limit->bytes), limit->text);
    fputs("</div>\n", out);
}

static void write_lines(FILE *out, const struct axis *axis, const struct limit *limits)
{
    fputs("<div class=\"over\" aria-hidden=\"true\">", out);
    for (const struct limit *limit = limits; limit->name != NULL; limit++)
        page_print(out, "<i class=\"limit %s\" style=\"left:%.2f%%\"><b>%llu</b></i>", limit->name,
                   axis_at(axis, (double)limit->bytes), limit->bytes);
    fputs("</div>\n", out);
}

static void write_above(FILE *out, const struct data *data, const struct limit *limit)
{
    size_t count = 0;

    for (size_t i = 0; i < data->repro_count; i++) {
        double bound;

        count += number_of(data->repros[i].bound, &bound) && bound > (double)limit->bytes;
    }
    page_print(out,
               "<p class=\"above limit %s\"><b class=\"bytes\">%llu</b> is not enough for <b "
               "class=\"count\">%zu</b>: <span "
               "class=\"names\">",
               limit->name, limit->bytes, count);
    for (size_t i = 0; i < data->repro_count; i++) {
        const struct repro *repro = &data->repros[i];
        double bound;

        if (number_of(repro->bound, &bound) && bound > (double)limit->bytes)
            page_print(out, "<a class=\"slug\" href=\"#story-%s\">%s</a> ", repro->slug,
                       repro->slug);
    }
    fputs("</span></p>\n", out);
}

static void write_legend(FILE *out)
{
    fputs(
        "<ul class=\"legend marks\">"
        "<li><span class=\"track\"><i class=\"seen\"></i></span>observed: these runs show no harm "
        "from here on</li>"
        "<li><span class=\"track\"><i class=\"touched\"></i></span>touched: nothing retained is "
        "read or written</li>"
        "<li><span class=\"track\"><i class=\"sure\"></i></span>guaranteed: nothing is retained in "
        "the arena</li>"
        "<li><span class=\"track\"><i class=\"luck\"></i></span>luck lies between them</li></ul>\n",
        out);
}

void bounds_write(FILE *out, const struct data *data)
{
    const struct limit limits[] = {{"a", "Usual", USUAL},
                                   {"b", "Default", DEFAULT},
                                   {"c", "Your own", data->bound > 0 ? data->bound : DEFAULT},
                                   {NULL}};
    struct axis axis = {
        .from = FROM, .to = 8 * DEFAULT, .start = 0, .end = 100, .logarithmic = true};
    size_t none = 0;

    while (axis.to < (double)data->bound * 1.3)
        axis.to *= 2;
    for (size_t i = 0; i < data->repro_count; i++)
        none += strcmp(data->repros[i].bound, "none") == 0;
    fputs("<section id=\"bounds\">\n<h2>From which MIN_BYTES on</h2>\n<p>In bytes, on a "
          "logarithmic axis. Set "
          "<code>MIN_BYTES</code> by the guaranteed bound: what lies below it is luck. The lines "
          "can be moved.</p>\n",
          out);
    write_legend(out);
    write_tool(out, &axis, limits);
    page_print(
        out, "<div class=\"room\"></div><div class=\"bounds\" data-from=\"%d\" data-to=\"%.0f\">\n",
        FROM, axis.to);
    write_ticks(out, &axis);
    write_lines(out, &axis, limits);
    write_rows(out, data, &axis);
    fputs("</div>\n", out);
    for (const struct limit *limit = limits; limit->name != NULL; limit++)
        write_above(out, data, limit);
    page_print(
        out,
        "<p>No <code>MIN_BYTES</code> saves %zu more, which are a matter of the contract.</p>\n",
        none);
    table_write(out, data, &data->thresholds, "The bounds as a table (results/thresholds.tsv)");
    if (data->laws.there)
        table_write(out, data, &data->laws,
                    "The laws: what the bounds are at other sizes (results/laws.tsv)");
    else
        missing_write(out, "results/laws.tsv", "make sweep");
    if (data->crates.there)
        table_write(out, data, &data->crates,
                    "The real crates beside the models (results/crates.tsv)");
    else
        missing_write(out, "results/crates.tsv", "make crates");
    fputs("</section>\n", out);
}
