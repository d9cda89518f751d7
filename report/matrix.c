/*
 * matrix.c - the outcome of each repro under each profile: a picture whose cells open what was seen
 * there.
 */
#include "page.h"
#include "report.h"

#include <string.h>

enum { PINNED = 4, PROFILES = 6 };

static const struct {
    const char *name;
    const char *min_bytes; /* the profile's own, as in the sweep's table */
    const char *short_note;
    const char *note;
} profiles[PROFILES] = {
    {"none", "0", "blind", "blind recycling, everything in the arena"},
    {"flush", "0", "+ drain", "none, and queues are drained at the end of each phase"},
    {"route", "4096", "+ 4096", "none, and blocks below 4096 bytes go to malloc"},
    {"seed", "4096", "+ contract",
     "route, and nested or foreign begins are refused, and realloc is sticky"},
    {"pinned", "0", "the cure",
     "a begin reclaims only memory in which nothing lives; everything in the arena"},
    {"system", "NA", "control", "no arena at all"},
};

static const struct {
    const char *name;
    const char *letter;
    const char *meaning;
} outcomes[] = {
    {"clean", "\xC2\xB7", "nothing retained, nothing wrong"},
    {"refused", "R", "the contract refused the call"},
    {"latent", "L", "retained, and no harm seen: luck"},
    {"stale", "S", "an access to recycled memory"},
    {"corrupt", "C", "data differs from what was written"},
    {"hang", "H", "no progress"},
    {"crash", "X", "died of a signal"},
    {"skip", "?", "cannot run here"},
};
enum { OUTCOMES = sizeof outcomes / sizeof *outcomes };

static const char *letter_of(const char *outcome)
{
    for (size_t i = 0; i < OUTCOMES; i++)
        if (strcmp(outcomes[i].name, outcome) == 0)
            return outcomes[i].letter;
    return "?";
}

static bool is_harm(const char *outcome)
{
    return strcmp(outcome, "clean") != 0 && strcmp(outcome, "refused") != 0 &&
           strcmp(outcome, "skip") != 0;
}

void outcome_badge(FILE *out, const char *outcome)
{
    page_print(out, "<span class=\"badge o %s\"><b>%s</b>%s</span>", outcome, letter_of(outcome),
               outcome);
}

static void outcome_legend(FILE *out)
{
    fputs("<ul class=\"legend\">", out);
    for (size_t i = 0; i < OUTCOMES; i++) {
        fputs("<li>", out);
        outcome_badge(out, outcomes[i].name);
        page_print(out, " <small>%s</small></li>", outcomes[i].meaning);
    }
    fputs("</ul>\n", out);
}

static const char *outcome_of(const struct data *data, const char *slug, const char *profile)
{
    size_t row = table_find(&data->matrix, "repro", slug, NULL, NULL);

    return row < data->matrix.row_count ? table_text(&data->matrix, row, profile) : "NA";
}

size_t matrix_harmed(const struct data *data, const char *profile)
{
    size_t harmed = 0;

    for (size_t row = 0; row < data->matrix.row_count; row++)
        harmed += is_harm(table_text(&data->matrix, row, profile));
    return harmed;
}

static void write_head(FILE *out, const struct data *data)
{
    fputs("<thead><tr><th scope=\"col\">program</th><th scope=\"col\" class=\"title\">what it "
          "shows</th>"
          "<th scope=\"col\" class=\"bound\">safe from</th>\n",
          out);
    for (size_t p = 0; p < PROFILES; p++)
        page_print(
            out,
            "<th scope=\"col\" class=\"profile%s\" title=\"%s\"><small>%s</small><b>%s</b></th>\n",
            p == PINNED ? " cure" : "", profiles[p].note, profiles[p].short_note, profiles[p].name);
    page_print(out,
               "</tr><tr><th scope=\"row\">harmed, of %zu</th><th class=\"title\"></th><th "
               "class=\"bound\"></th>\n",
               data->repro_count);
    for (size_t p = 0; p < PROFILES; p++)
        page_print(out, "<th class=\"profile harmed%s\">%zu</th>\n", p == PINNED ? " cure" : "",
                   matrix_harmed(data, profiles[p].name));
    fputs("</tr></thead>\n", out);
}

static void write_row(FILE *out, const struct data *data, const struct repro *repro)
{
    page_print(out, "<tr id=\"row-%s\"><th scope=\"row\" class=\"slug\"><a href=\"#story-%s\">",
               repro->slug, repro->slug);
    page_name(out, repro->slug);
    page_print(out,
               "</a></th><td class=\"title\" title=\"%s\">%s</td><td class=\"bound\">%s</td>\n",
               repro->title, repro->title, repro->bound);
    for (size_t p = 0; p < PROFILES; p++) {
        const char *outcome = outcome_of(data, repro->slug, profiles[p].name);

        page_print(out,
                   "<td class=\"o %s%s\"><a href=\"#cell-%s-%s\" aria-label=\"%s under %s: "
                   "%s\"><b>%s</b><span>%s</span></a></td>\n",
                   outcome, p == PINNED ? " cure" : "", repro->slug, profiles[p].name, repro->slug,
                   profiles[p].name, outcome, letter_of(outcome), outcome);
    }
    fputs("</tr>\n", out);
}

void matrix_write(FILE *out, const struct data *data)
{
    fputs("<section id=\"matrix\">\n<h2>Which setting closes which bug</h2>\n<p>Each row is a "
          "small program that keeps "
          "something across a phase. Each column is a setting, from none on the left to the cure. "
          "Strong colours are harm. "
          "<em>Safe from</em> is the smallest <code>MIN_BYTES</code> at which nothing is retained "
          "in the arena. A cell "
          "opens what was seen in it, and the command that shows it again.</p>\n",
          out);
    outcome_legend(out);
    fputs("<table class=\"matrix\">\n", out);
    write_head(out, data);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        size_t first = 0;

        while (first < data->repro_count && data->repros[first].kind != kind)
            first++;
        if (first == data->repro_count)
            continue;
        page_print(out,
                   "<tbody><tr class=\"kind\"><th colspan=\"8\" scope=\"rowgroup\">%s<small "
                   "class=\"soft\">%s</small></th></tr>\n",
                   kind_titles[kind], kind_notes[kind]);
        for (size_t i = first; i < data->repro_count && data->repros[i].kind == kind; i++)
            write_row(out, data, &data->repros[i]);
        fputs("</tbody>\n", out);
    }
    fputs("</table>\n", out);
    table_write(out, data, &data->matrix, "The same as a table (results/matrix.tsv)");
    fputs("</section>\n", out);
}

/* ---- Cells */

static void write_fact(FILE *out, const struct table *table, size_t row, const char *name,
                       const char *column)
{
    const char *value = table_text(table, row, column);

    if (strcmp(value, "NA") != 0 && strcmp(value, "0") != 0)
        page_print(out, "<dt>%s</dt><dd>%s</dd>", name, value);
}

/* The outcomes at the other MIN_BYTES, each with the MIN_BYTES where it begins. The sweep's table
 * has them in ascending order. */
static void write_others(FILE *out, const struct data *data, const char *slug, const char *profile)
{
    const char *last = NULL;
    size_t changes = 0;

    for (size_t row = 0; row < data->sweep.row_count; row++) {
        const char *outcome = table_text(&data->sweep, row, "outcome");

        if (strcmp(table_text(&data->sweep, row, "repro"), slug) != 0 ||
            strcmp(table_text(&data->sweep, row, "profile"), profile) != 0 ||
            (last != NULL && strcmp(last, outcome) == 0))
            continue;
        if (last == NULL)
            fputs("<dt>by MIN_BYTES</dt><dd>", out);
        page_print(out, "%sfrom %s ", changes++ == 0 ? "" : ", ",
                   table_text(&data->sweep, row, "min_bytes"));
        outcome_badge(out, outcome);
        last = outcome;
    }
    if (last != NULL)
        fputs("</dd>", out);
}

/* The row of the sweep at the profile's own MIN_BYTES: the one whose outcome is in the matrix. */
static size_t own_row(const struct table *sweep, const char *slug, size_t p)
{
    size_t row = 0;

    while (row < sweep->row_count &&
           (strcmp(table_text(sweep, row, "repro"), slug) != 0 ||
            strcmp(table_text(sweep, row, "profile"), profiles[p].name) != 0 ||
            strcmp(table_text(sweep, row, "min_bytes"), profiles[p].min_bytes) != 0))
        row++;
    return row;
}

static void write_seen(FILE *out, const struct data *data, const struct repro *repro, size_t p,
                       const char *outcome)
{
    const struct table *sweep = &data->sweep;
    size_t row = own_row(sweep, repro->slug, p);
    const char *detail;

    if (row == sweep->row_count) {
        fputs("<p>sweep.tsv has no row of it: run make sweep.</p>\n", out);
        return;
    }
    if (strcmp(table_text(sweep, row, "outcome"), outcome) != 0)
        die("matrix.tsv has %s for %s under %s, and sweep.tsv has %s: run make sweep", outcome,
            repro->slug, profiles[p].name, table_text(sweep, row, "outcome"));
    detail = table_text(sweep, row, "detail");
    fputs("<p>", out);
    if (strcmp(detail, "NA") != 0)
        data_linked(out, data, detail);
    else
        for (size_t i = 0; i < OUTCOMES; i++)
            if (strcmp(outcomes[i].name, outcome) == 0)
                page_text(out, outcomes[i].meaning);
    fputs(".</p>\n<dl>", out);
    page_print(out, "<dt>MIN_BYTES</dt><dd>%s</dd>", table_text(sweep, row, "min_bytes"));
    write_fact(out, sweep, row, "cycles", "cycles");
    write_fact(out, sweep, row, "corrupt cycles", "corrupt_cycles");
    write_fact(out, sweep, row, "first damaged offset", "first_offset");
    write_fact(out, sweep, row, "damaged bytes", "corrupt_bytes");
    write_fact(out, sweep, row, "blocks retained", "retained_count");
    write_fact(out, sweep, row, "the largest, bytes", "retained_max");
    write_others(out, data, repro->slug, profiles[p].name);
    links_write(out, data, repro);
    fputs("</dl>\n", out);
}

static void write_cell(FILE *out, const struct data *data, const struct repro *repro, size_t p)
{
    const char *profile = profiles[p].name;
    const char *outcome = outcome_of(data, repro->slug, profile);

    page_print(out,
               "<div class=\"cell\" id=\"cell-%s-%s\" role=\"dialog\" aria-label=\"%s under "
               "%s\"><a class=\"close\" "
               "href=\"#_\" aria-label=\"close\">\xC3\x97</a>\n<h3><span class=\"slug\">%s</span> "
               "under %s ",
               repro->slug, profile, repro->slug, profile, repro->slug, profile);
    outcome_badge(out, outcome);
    page_print(out, "</h3>\n<p class=\"soft\">%s: %s.</p>\n", profile, profiles[p].note);
    write_seen(out, data, repro, p, outcome);
    page_print(out,
               "<pre><code>build/repro/%s --profile %s</code></pre>\n<p><a href=\"#story-%s\">The "
               "story: %s</a></p></div>\n",
               repro->slug, profile, repro->slug, repro->title);
}

void cells_write(FILE *out, const struct data *data)
{
    for (size_t i = 0; i < data->repro_count; i++)
        for (size_t p = 0; p < PROFILES; p++)
            write_cell(out, data, &data->repros[i], p);
}

/* ---- The same as a separate picture, for pages other than the report */

enum { NAMES = 12, BOUNDS = 250, CELLS = 264, CELL = 78, ROW = 22, EDGE = 752 };

static double cell_x(size_t p)
{
    return CELLS + (double)p * (CELL + 2) + (p >= PINNED ? 6 : 0);
}

static void picture_row(FILE *out, const struct data *data, const struct repro *repro, double y)
{
    page_print(out,
               "<text class=\"name\" x=\"%d\" y=\"%.0f\">%s</text><text class=\"end\" x=\"%d\" "
               "y=\"%.0f\">%s</text>\n",
               NAMES, y + 14, repro->slug, BOUNDS, y + 14, repro->bound);
    for (size_t p = 0; p < PROFILES; p++) {
        const char *outcome = outcome_of(data, repro->slug, profiles[p].name);

        page_print(out,
                   "<g class=\"o %s\"><rect x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" "
                   "rx=\"3\"/><text class=\"mid\" "
                   "x=\"%.0f\" y=\"%.0f\">%s %s</text></g>\n",
                   outcome, cell_x(p), y, CELL, ROW - 2, cell_x(p) + CELL / 2.0, y + 14,
                   letter_of(outcome), outcome);
    }
}

static double picture_head(FILE *out, const struct data *data)
{
    page_print(out,
               "<text class=\"end\" x=\"%d\" y=\"22\">safe from</text><text x=\"%d\" "
               "y=\"42\">harmed, of %zu</text>\n",
               BOUNDS, NAMES, data->repro_count);
    for (size_t p = 0; p < PROFILES; p++)
        page_print(out,
                   "<text class=\"mid strong\" x=\"%.0f\" y=\"22\">%s</text><text class=\"mid "
                   "strong\" x=\"%.0f\" "
                   "y=\"42\">%zu</text>\n",
                   cell_x(p) + CELL / 2.0, profiles[p].name, cell_x(p) + CELL / 2.0,
                   matrix_harmed(data, profiles[p].name));
    return 48;
}

void matrix_picture(FILE *out, const struct data *data)
{
    double y = 48 + ROW * (double)data->repro_count;

    for (size_t i = 0; i < data->repro_count; i++)
        y += data_begins_kind(data, i) ? 34 : 0;
    page_print(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
               "height=\"%.0f\" role=\"img\" "
               "aria-label=\"what each setting makes of each program\">\n<style>\n",
               EDGE, y + 10, EDGE, y + 10);
    page_style(out);
    fputs("svg { background: var(--paper); font-family: system-ui, -apple-system, \"Segoe UI\", "
          "\"Noto Sans\", \"DejaVu Sans\", "
          "sans-serif; }\nsvg text { font-size: 12px; }\n.o rect { fill: var(--of); }\nsvg .o text "
          "{ fill: var(--on); "
          "font-size: 11.5px; }\nsvg .name { font-family: ui-monospace, Menlo, Consolas, \"DejaVu "
          "Sans Mono\", monospace; "
          "font-size: 11.5px; fill: var(--ink); }\nsvg .strong { font-weight: 650; fill: "
          "var(--ink); }\n</style>\n",
          out);
    y = picture_head(out, data);
    for (size_t i = 0; i < data->repro_count; i++) {
        if (data_begins_kind(data, i)) {
            y += 34;
            page_print(out, "<text class=\"strong\" x=\"%d\" y=\"%.0f\">%s</text>\n", NAMES, y - 10,
                       kind_titles[data->repros[i].kind]);
        }
        picture_row(out, data, &data->repros[i], y);
        y += ROW;
    }
    fputs("</svg>\n", out);
}
