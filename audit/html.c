/*
 * html.c - the answer as an HTML page: a chart of what each site retains over the begins, a table
 * of the sites that can be sorted and filtered, and their stacks, which unfold.
 */
#include "axis.h"
#include "course.h"
#include "output.h"
#include "page.h"
#include "traces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 100000, PLACE_COLUMNS = 160, AREAS = 7, STACKS = 20 };

/* A number, or NA if it is not known. */
static const char *number_text(uint64_t number)
{
    return number == UNKNOWN ? not_known : page_grouped(number);
}

static const char *place_of(const struct place *place, const char *site)
{
    static struct location text; /* until the next call */

    text = location(place, site, PLACE_COLUMNS);
    return text.text;
}

/* ---- The answer */

static void write_lines(FILE *out, const struct lines *lines, const char *class)
{
    for (size_t i = 0; i < lines->count; i++)
        page_print(out, "<p class=\"%s\">%s</p>\n", class, lines->at[i]);
}

static void write_bound(FILE *out, const char *name, struct bound bound, const char *meaning)
{
    static const char *const sides[] = {
        [NOTHING] = "", [EXACT] = "", [AT_LEAST] = "at least ", [AT_MOST] = "at most "};

    page_print(out, "<li><b>%s%s</b><span>%s: %s</span></li>\n", sides[bound.is],
               number_text(bound.value), name, meaning);
}

static void write_answer(FILE *out, const struct audit *audit)
{
    static const char *const classes[] = {
        [SAFE] = "lead verdict fine", [UNSAFE] = "lead verdict bad", [NO_VERDICT] = "lead verdict"};
    struct lines verdict = {.columns = WIDE};
    struct lines advice = {.columns = WIDE};

    screen_verdict(audit, &verdict);
    write_lines(out, &verdict, classes[audit->verdict]);
    if (audit_reported(audit))
        screen_advice(audit, &advice);
    write_lines(out, &advice, "");
    fputs("<ul class=\"facts\">\n", out);
    write_bound(out, "guaranteed", audit->guaranteed,
                "no block of this run would be retained in the arena");
    write_bound(out, "touched", audit->touched, "no retained block would be read or written");
    page_print(out, "<li><b>%s</b><span>MIN_BYTES</span></li>\n", number_text(audit->min_bytes));
    page_print(out, "<li><b>%s</b><span>phases</span></li>\n",
               number_text(most(audit->census.report.phases, audit->trap.report.phases)));
    page_print(out, "<li><b>%zu</b><span>sites</span></li>\n</ul>\n", audit->groups.count);
    lines_free(&verdict);
    lines_free(&advice);
}

static void write_command(FILE *out, const struct audit *audit)
{
    if (audit->options->command == NULL)
        return;
    fputs("<pre><code>", out);
    for (char **word = audit->options->command; *word != NULL; word++)
        page_print(out, word == audit->options->command ? "%s" : " %s", *word);
    fputs("</code></pre>\n", out);
}

/* ---- What is retained, over the begins */

/* A site's course; layers are sorted by the most bytes that a site ever has. */
struct layer {
    size_t group;
    uint64_t peak;
    struct course course;
};

static int by_peak(const void *a, const void *b)
{
    const struct layer *left = a;
    const struct layer *right = b;

    if (left->peak != right->peak)
        return left->peak > right->peak ? -1 : 1;
    return (left->group > right->group) - (left->group < right->group);
}

static struct layer *layers_of(const struct audit *audit, const struct course *begins)
{
    struct layer *layers = need(calloc(audit->groups.count + 1, sizeof *layers));

    for (size_t i = 0; i < audit->groups.count; i++) {
        layers[i] = (struct layer){.group = i, .course = course_of(&audit->groups.at[i], begins)};
        for (size_t at = 0; at < begins->count; at++)
            layers[i].peak = most(layers[i].peak, layers[i].course.bytes[at]);
    }
    qsort(layers, audit->groups.count, sizeof *layers, by_peak);
    return layers;
}

/* Unites all layers after the first few into one; returns how many there are now. */
static size_t unite_rest(struct layer *layers, size_t count, size_t begins)
{
    if (count <= AREAS + 1)
        return count;
    for (size_t i = AREAS + 1; i < count; i++)
        for (size_t at = 0; at < begins; at++)
            layers[AREAS].course.bytes[at] += layers[i].course.bytes[at];
    return AREAS + 1;
}

/* The sum of the layers below this one. */
static uint64_t below(const struct layer *layers, size_t layer, size_t begin)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < layer; i++)
        bytes += layers[i].course.bytes[begin];
    return bytes;
}

static void write_areas(FILE *out, const struct layer *layers, size_t count,
                        const struct course *begins, const struct axis *x, const struct axis *y)
{
    for (size_t i = 0; i < count; i++) {
        page_print(out, "<path class=\"area c%zu\" d=\"", i < AREAS ? i : AREAS);
        for (size_t at = 0; at < begins->count; at++)
            page_print(out, "%c%.2f %.2f", at == 0 ? 'M' : 'L',
                       axis_at(x, (double)((at + 1) * begins->stride)),
                       axis_at(y, (double)below(layers, i + 1, at)));
        for (size_t at = begins->count; at-- > 0;)
            page_print(out, "L%.2f %.2f", axis_at(x, (double)((at + 1) * begins->stride)),
                       axis_at(y, (double)below(layers, i, at)));
        fputs("Z\"/>\n", out);
    }
}

static void write_legend(FILE *out, const struct audit *audit, const struct layer *layers,
                         size_t count, size_t all)
{
    fputs("<ul class=\"legend\">\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct group *group = &audit->groups.at[layers[i].group];

        if (i == AREAS && all > count) {
            page_print(out, "<li class=\"c%d\"><i></i>%zu others</li>\n", AREAS, all - AREAS);
            continue;
        }
        page_print(
            out, "<li class=\"c%zu\"><i></i><a href=\"#site-%zu\">%s</a> <small>%s</small></li>\n",
            i < AREAS ? i : AREAS, layers[i].group + 1,
            place_of(&group->made->made, group->made->site), course_kind(&layers[i].course));
    }
    fputs("</ul>\n", out);
}

static void write_numbers(FILE *out, const struct audit *audit, const struct layer *layers,
                          size_t count, size_t all, const struct course *begins)
{
    struct page_column columns[AREAS + 2] = {{"begin", true}};
    struct location names[AREAS + 1];

    for (size_t i = 0; i < count; i++) {
        const struct group *group = &audit->groups.at[layers[i].group];

        names[i] = location(&group->made->made, group->made->site, PLACE_COLUMNS / 4);
        columns[i + 1] =
            (struct page_column){i == AREAS && all > count ? "others" : names[i].text, true};
    }
    fputs("<details><summary>The same in numbers, in bytes</summary>\n", out);
    page_table_begin(out, NULL, "", columns, count + 1);
    for (size_t at = 0; at < begins->count; at++) {
        page_print(out, "<tr><td class=\"number\">%" PRIu64 "</td>", (at + 1) * begins->stride);
        for (size_t i = 0; i < count; i++)
            page_print(out, "<td class=\"number\">%" PRIu64 "</td>", layers[i].course.bytes[at]);
        fputs("</tr>\n", out);
    }
    page_table_end(out);
    fputs("</details>\n", out);
}

static void write_chart(FILE *out, const struct audit *audit, struct layer *layers, size_t all,
                        const struct course *begins)
{
    size_t count = unite_rest(layers, all, begins->count);
    struct axis x =
        axis_round((double)begins->stride, (double)(begins->count * begins->stride), 0, PLOT_WIDTH);
    struct axis y;
    uint64_t peak = 1;

    x.from = (double)begins->stride;
    x.to = (double)(begins->count * begins->stride);
    for (size_t at = 0; at < begins->count; at++)
        peak = most(peak, below(layers, count, at));
    y = axis_round_bytes((double)peak, PLOT_HEIGHT, 0);
    page_print(out,
               "<p>Bytes that were alive at a begin, by the site that made them%s. What grows from "
               "begin to begin is what a "
               "longer run needs more of.</p>\n",
               audit->census.report.processes > 1
                   ? ", in all processes: each counts its begins by itself"
                   : "");
    if (begins->stride > 1)
        page_print(out,
                   "<p class=\"soft\">Of %" PRIu64 " begins, one in %" PRIu64 " is told.</p>\n",
                   begins->count * begins->stride, begins->stride);
    plot_begin(out, &x, &y, true, "retained bytes by begin, one area for each site");
    write_areas(out, layers, count, begins, &x, &y);
    plot_end(out);
    write_legend(out, audit, layers, count, all);
    write_numbers(out, audit, layers, count, all, begins);
}

static void write_courses(FILE *out, const struct audit *audit, const struct course *begins)
{
    struct layer *layers = layers_of(audit, begins);
    size_t all = 0;

    while (all < audit->groups.count && layers[all].peak > 0)
        all++;
    fputs("<section id=\"course\"><h2>What is retained, begin by begin</h2>\n", out);
    if (audit->groups.count == 0 && run_reported(&audit->census))
        fputs("<p>Nothing is retained.</p>\n", out);
    else if (!run_reported(&audit->census))
        fputs("<p>Not known: that is what the census finds, and there is none (it was not asked "
              "for, or gave no report).</p>\n",
              out);
    else if (begins->stride == 0)
        fputs("<p>Not known: the report is of a library that does not tell it.</p>\n", out);
    else if (begins->count < 2 || all == 0)
        fputs("<p>Too few begins to draw.</p>\n", out);
    else
        write_chart(out, audit, layers, all, begins);
    fputs("</section>\n", out);
    for (size_t i = 0; i < audit->groups.count; i++)
        free(layers[i].course.bytes);
    free(layers);
}

/* ---- Sites */

static void write_frames(FILE *out, uint32_t number)
{
    struct trace trace = trace_at(number);

    fputs("<ol class=\"frames\">", out);
    for (uint32_t i = 0; i < trace.count; i++) {
        const struct frame *frame = frame_at(trace.frames[i]);
        const char *module = object_at(frame->object)->path;

        for (uint32_t s = 0; s < frame->scope_count; s++) {
            const struct scope *scope = &frame->scopes[s];

            page_print(out, "<li><code>%s</code> <small>", known_or(scope->function, "?"));
            if (known(scope->file) && scope->line != UNKNOWN)
                page_print(out, "%s:%" PRIu64, from_here(scope->file), scope->line);
            else
                page_print(out, "%s+0x%" PRIx64, *module == '\0' ? "?" : base_name(module),
                           frame->offset);
            fputs(s + 1 < frame->scope_count ? " inlined</small></li>" : "</small></li>", out);
        }
    }
    fputs("</ol>\n", out);
}

static void write_stacks(FILE *out, const struct group *group, bool accesses)
{
    struct parts parts = group_stacks(group, accesses);

    if (parts.count > 0)
        page_print(out, "<details><summary>%s%s</summary>\n", amount(parts.count, "stack").text,
                   !accesses          ? ""
                   : parts.count == 1 ? " of an access"
                                      : " of accesses");
    for (size_t i = 0; i < parts.count && i < STACKS; i++) {
        if (parts.at[i].count != UNKNOWN)
            page_print(out, "<p><small>%s, %s bytes</small></p>\n",
                       amount(parts.at[i].count, "block").text, number_text(parts.at[i].bytes));
        write_frames(out, parts.at[i].trace);
    }
    if (parts.count > STACKS)
        page_print(out, "<p><small>and %zu more, which --json has</small></p>\n",
                   parts.count - STACKS);
    if (parts.count > 0)
        fputs("</details>\n", out);
    free(parts.at);
}

static void write_touch(FILE *out, const struct group *group)
{
    const struct finding *touch = group->touch;

    if (touch == NULL)
        return;
    page_print(out, "<div><small>%s by %s", known_or(touch->access, "access"),
               place_of(&touch->accessed, touch->access_site));
    if (group->touches > 1)
        page_print(out, ", and by %zu more", group->touches - 1);
    fputs("</small></div>", out);
}

static const char *state_of(const struct audit *audit, const struct group *group)
{
    if (group->hidden != NULL)
        return "suppressed";
    return group->asked_most < audit->min_bytes ? "below MIN_BYTES" : "exposed";
}

static const char *touched_text(const struct audit *audit, const struct group *group)
{
    if (group->touch != NULL)
        return "touched";
    if (!audit_watched(audit, group))
        return "not looked at";
    return group->freed_late ? "freed late" : "untouched";
}

static void write_site(FILE *out, const struct audit *audit, size_t i, const struct course *begins)
{
    const struct group *group = &audit->groups.at[i];
    struct course course = course_of(group, begins);
    struct amount rule;

    page_print(out, "<tr id=\"site-%zu\" data-state=\"%s\" data-touched=\"%s\"><td>%zu</td><td>%s",
               i + 1, state_of(audit, group), touched_text(audit, group), i + 1,
               place_of(&group->made->made, group->made->site));
    write_touch(out, group);
    write_stacks(out, group, false);
    write_stacks(out, group, true);
    page_print(out,
               "</td><td class=\"number\" data-name=\"blocks\" data-value=\"%" PRId64 "\">%s</td>",
               group->count == UNKNOWN ? -1 : (int64_t)group->count, number_text(group->count));
    page_print(out, "<td class=\"number\" data-name=\"size\" data-value=\"%" PRIu64 "\">%s</td>",
               group->size_most, sizes_of(group).text);
    page_print(out,
               "<td class=\"number\" data-name=\"bytes\" data-value=\"%" PRId64 "\">%s</td><td>%s",
               group->bytes == UNKNOWN ? -1 : (int64_t)group->bytes, number_text(group->bytes),
               course_kind(&course));
    if (growth_of(group, &rule))
        page_print(out, "<br><small>grows %s</small>", rule.text);
    page_print(out, "</td><td>%s</td><td>%s", touched_text(audit, group), state_of(audit, group));
    if (group->hidden != NULL && *group->hidden != '\0')
        page_print(out, "<br><small>%s</small>", group->hidden);
    fputs("</td></tr>\n", out);
    free(course.bytes);
}

static void write_sites(FILE *out, const struct audit *audit, const struct course *begins)
{
    static const struct page_column columns[] = {
        {"no.", true},   {"made by", false},     {"blocks", true}, {"size", true},
        {"bytes", true}, {"over begins", false}, {"later", false}, {"counts", false}};

    fputs("<section id=\"sites\"><h2>Which lines keep blocks</h2>\n", out);
    if (audit->groups.count == 0) {
        fputs("<p>None that was seen.</p></section>\n", out);
        return;
    }
    fputs("<p><em>Exposed</em>: blind recycling would hand these bytes out again, since they are "
          "at least MIN_BYTES. "
          "<em>Touched</em>: the program reads or writes them in a later phase.</p>\n"
          "<div class=\"tool\" data-for=\"sites-table\"><input type=\"search\" "
          "placeholder=\"Search: a function, a file ...\" "
          "aria-label=\"Search the sites\">\n<select name=\"state\" aria-label=\"counts\"><option "
          "value=\"\">all</option>"
          "<option>exposed</option><option>below "
          "MIN_BYTES</option><option>suppressed</option></select>\n"
          "<select name=\"touched\" aria-label=\"later\"><option value=\"\">touched or "
          "not</option><option>touched</option>"
          "<option>untouched</option><option>freed late</option><option>not looked "
          "at</option></select>\n"
          "<span class=\"shown soft\" role=\"status\"></span></div>\n",
          out);
    page_table_begin(out, "sites-table", " stacks", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < audit->groups.count; i++)
        write_site(out, audit, i, begins);
    page_table_end(out);
    fputs("</section>\n", out);
}

/* Accesses after free and after a discard, and what could not be watched: these belong to no
 * site. */
static void write_others(FILE *out, const struct audit *audit)
{
    static const struct page_column columns[] = {
        {"kind", false}, {"made by", false}, {"size", true}, {"count", true}, {"access", false}};
    const struct findings *findings = &audit->trap.report.findings;
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *row = &findings->at[i];

        if (finding_in_group(row))
            continue;
        if (count++ == 0) {
            fputs("<section id=\"others\"><h2>What else was seen</h2>\n", out);
            page_table_begin(out, "others-table", " stacks", columns,
                             sizeof columns / sizeof *columns);
        }
        page_print(out, "<tr><td>%s</td><td>%s</td><td class=\"number\" data-name=\"size\">%s</td>",
                   kind_names[row->kind], place_of(&row->made, row->site), number_text(row->size));
        page_print(out, "<td class=\"number\" data-name=\"count\">%s</td><td>",
                   number_text(row->count));
        if (known(row->access))
            page_print(out, "%s by %s", row->access, place_of(&row->accessed, row->access_site));
        fputs("</td></tr>\n", out);
    }
    if (count > 0) {
        page_table_end(out);
        fputs("</section>\n", out);
    }
}

static void write_notes(FILE *out, const struct audit *audit)
{
    struct lines notes = {.columns = WIDE};

    notes_collect(audit, &notes);
    if (notes.count > 0) {
        fputs("<section id=\"notes\"><h2>Notes</h2>\n", out);
        write_lines(out, &notes, "");
        fputs("</section>\n", out);
    }
    lines_free(&notes);
}

void html_write(const char *path, const struct audit *audit)
{
    static const struct page_part parts[] = {
        {"course", "Begin by begin"}, {"sites", "Sites"}, {NULL, NULL}};
    struct output output = output_open(path);
    struct course begins = course_begins(audit);
    FILE *out = output.file;
    bool named = audit->options->command != NULL && !audit->options->resolve;
    char title[256];

    snprintf(title, sizeof title, "What crosses a phase in %.200s",
             named ? base_name(audit->options->command[0]) : "this report");
    page_begin(out, title, "zk-audit " ZK_VERSION, parts);
    write_answer(out, audit);
    write_command(out, audit);
    write_courses(out, audit, &begins);
    write_sites(out, audit, &begins);
    write_others(out, audit);
    write_notes(out, audit);
    page_end(out, "Made by zk-audit --html.");
    output_close(&output);
}
