/*
 * findings.c - the findings, the claims and the stories of the repros, with links between them.
 */
#include "page.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* A column of numbers is one in which most values are numbers. */
static bool is_number_column(const struct table *table, size_t column)
{
    size_t numbers = 0;
    size_t others = 0;

    for (size_t row = 0; row < table->row_count; row++) {
        double number;

        if (number_of(table->rows[row][column], &number))
            numbers++;
        else if (strcmp(table->rows[row][column], "NA") != 0 &&
                 strcmp(table->rows[row][column], "none") != 0)
            others++;
    }
    return numbers > 0 && others == 0;
}

void table_write(FILE *out, const struct data *data, const struct table *table, const char *summary)
{
    struct page_column *columns = need(calloc(table->column_count, sizeof *columns));

    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = (struct page_column){table->columns[i], is_number_column(table, i)};
    page_print(out, "<details><summary>%s</summary>\n", summary);
    page_table_begin(out, NULL, "", columns, table->column_count);
    for (size_t row = 0; row < table->row_count; row++) {
        fputs("<tr>", out);
        for (size_t i = 0; i < table->column_count; i++) {
            if (columns[i].number) {
                page_cell(out, &columns[i], table->rows[row][i]);
                continue;
            }
            fputs("<td>", out);
            data_linked(out, data, table->rows[row][i]);
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    page_table_end(out);
    fputs("</details>\n", out);
    free(columns);
}

/* ---- Findings */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A drop-down list of a column's values. */
static void write_choice(FILE *out, const struct table *table, const char *column, const char *all)
{
    const char **values = need(calloc(table->row_count + 1, sizeof *values));

    for (size_t row = 0; row < table->row_count; row++)
        values[row] = table_text(table, row, column);
    qsort(values, table->row_count, sizeof *values, by_text);
    page_print(out, "<select name=\"%s\" aria-label=\"%s\"><option value=\"\">%s</option>", column,
               column, all);
    for (size_t i = 0; i < table->row_count; i++)
        if (i == 0 || strcmp(values[i], values[i - 1]) != 0)
            page_print(out, "<option>%s</option>", values[i]);
    fputs("</select>\n", out);
    free(values);
}

static void write_outcomes(FILE *out, const struct table *table, size_t row)
{
    static const char *const profiles[] = {"none", "seed", "pinned"};

    for (size_t i = 0; i < 3; i++) {
        const char *outcome = table_text(table, row, profiles[i]);

        if (strcmp(outcome, "NA") == 0)
            continue;
        page_print(out, "<div class=\"outcome\"><small>%s</small> ", profiles[i]);
        outcome_badge(out, outcome);
        fputs("</div>", out);
    }
}

/* Writes bounds that are all the same only once. */
static void write_bounds(FILE *out, const struct table *table, size_t row)
{
    const char *seen = table_text(table, row, "min_bytes_observed");
    const char *touched = table_text(table, row, "min_bytes_touched");
    const char *sure = table_text(table, row, "min_bytes_guaranteed");

    if (strcmp(sure, "NA") == 0)
        return;
    page_print(out, "<div>%s</div>", sure);
    if (strcmp(touched, sure) != 0)
        page_print(out, "<div><small>touched %s</small></div>", touched);
    if (strcmp(seen, sure) != 0 && strcmp(seen, "NA") != 0)
        page_print(out, "<div><small>observed %s</small></div>", seen);
}

static void write_finding(FILE *out, const struct data *data, size_t row)
{
    const struct table *table = &data->findings;
    const char *id = table_text(table, row, "id");
    const char *sure = table_text(table, row, "min_bytes_guaranteed");
    const char *repro = table_text(table, row, "repro");
    const char *fix = table_text(table, row, "fix_status");

    page_print(out,
               "<tr id=\"finding-%s\" data-category=\"%s\" "
               "data-severity=\"%s\"><td>%s</td><td>%s<br><small>%s</small></td><td>",
               id, table_text(table, row, "category"), table_text(table, row, "severity"), id,
               table_text(table, row, "severity"), table_text(table, row, "category"));
    data_linked(out, data, table_text(table, row, "description"));
    fputs("<div><small>shown: ", out);
    data_linked(out, data, table_text(table, row, "reproducible"));
    fputs("</small></div>", out);
    if (strcmp(fix, "NA") != 0) {
        fputs("<div><small>", out);
        data_linked(out, data, fix);
        fputs("</small></div>", out);
    }
    page_print(out, "</td><td class=\"number\" data-name=\"safe from\" data-value=\"%s\">", sure);
    write_bounds(out, table, row);
    fputs("</td><td>", out);
    write_outcomes(out, table, row);
    fputs("</td><td>", out);
    if (strcmp(repro, "NA") != 0)
        data_linked(out, data, repro);
    fputs("</td></tr>\n", out);
}

void findings_write(FILE *out, const struct data *data)
{
    static const struct page_column columns[] = {{"id", false},       {"severity", false},
                                                 {"finding", false},  {"safe from", true},
                                                 {"outcomes", false}, {"program", false}};
    const struct table *table = &data->findings;

    page_print(out,
               "<section id=\"findings\">\n<h2>Findings</h2>\n<p>%zu, with what was measured of "
               "each (findings.tsv). "
               "<em>Safe from</em> is the guaranteed bound.</p>\n<div class=\"tool\" "
               "data-for=\"findings-table\"><input "
               "type=\"search\" placeholder=\"Search: hang, rayon, 4096 ...\" aria-label=\"Search "
               "the findings\">\n",
               table->row_count);
    write_choice(out, table, "severity", "every severity");
    write_choice(out, table, "category", "every category");
    fputs("<span class=\"shown soft\" role=\"status\"></span></div>\n", out);
    page_table_begin(out, "findings-table", " stacks", columns, sizeof columns / sizeof *columns);
    for (size_t row = 0; row < table->row_count; row++)
        write_finding(out, data, row);
    page_table_end(out);
    fputs("</section>\n", out);
}

/* ---- Claims */

void claims_write(FILE *out, const struct data *data)
{
    static const struct page_column columns[] = {
        {"claim", false}, {"the seed says", false}, {"measured", false}, {"verdict", false}};
    const struct table *table = &data->claims;

    fputs("<section id=\"claims\">\n<h2>What the seed claims</h2>\n", out);
    if (!table->there) {
        missing_write(out, "results/claims.tsv", "make findings");
        fputs("</section>\n", out);
        return;
    }
    fputs("<p>The allocator that this project started from came with these claims "
          "(results/claims.tsv).</p>\n",
          out);
    page_table_begin(out, "claims-table", " stacks", columns, sizeof columns / sizeof *columns);
    for (size_t row = 0; row < table->row_count; row++) {
        const char *verdict = table_text(table, row, "verdict");
        const char *claim = table_text(table, row, "claim");

        page_print(out, "<tr id=\"claim-%s\"><td>%s</td><td>%s</td><td>", page_id(claim), claim,
                   table_text(table, row, "seed_says"));
        data_linked(out, data, table_text(table, row, "measured"));
        page_print(out, "</td><td><span class=\"verdict%s\">%s</span></td></tr>\n",
                   strcmp(verdict, "refuted") == 0     ? " bad"
                   : strcmp(verdict, "confirmed") == 0 ? " fine"
                                                       : "",
                   verdict);
    }
    page_table_end(out);
    fputs("</section>\n", out);
}

/* The rows of a table whose first column has this value. */
static void write_records(FILE *out, const struct data *data, const struct table *table,
                          const char *record, const char *summary)
{
    struct table part = *table;

    part.rows = need(calloc(table->row_count + 1, sizeof *part.rows));
    part.row_count = 0;
    for (size_t row = 0; row < table->row_count; row++)
        if (strcmp(table->rows[row][0], record) == 0)
            part.rows[part.row_count++] = table->rows[row];
    if (part.row_count > 0)
        table_write(out, data, &part, summary);
    free(part.rows);
}

/* The sum of all rows, if the table has one. */
static void write_sum(FILE *out, const struct table *table)
{
    size_t row = 0;

    while (row < table->row_count && (strcmp(table_text(table, row, "record"), "sum") != 0 ||
                                      strcmp(table_text(table, row, "prover"), "all") != 0 ||
                                      strcmp(table_text(table, row, "claim"), "all") != 0 ||
                                      strcmp(table_text(table, row, "damage"), "all") != 0 ||
                                      strcmp(table_text(table, row, "kind"), "all") != 0 ||
                                      strcmp(table_text(table, row, "moment"), "all") != 0))
        row++;
    if (row == table->row_count)
        return;
    page_print(out,
               "<p class=\"lead\"><b>%s</b> of %s damaged proofs verify for something false: %s "
               "are refused, in %s the prover "
               "fails, %s are unchanged, and %s verify, differ, and are true.</p>\n",
               table_text(table, row, "false"), table_text(table, row, "proofs"),
               table_text(table, row, "refused"), table_text(table, row, "failed"),
               table_text(table, row, "unchanged"), table_text(table, row, "differs"));
    if (strcmp(table_text(table, row, "false"), "0") == 0)
        page_print(out,
                   "<p>That bounds the share of false ones by %s, with 95 %% confidence, for "
                   "damage of these kinds.</p>\n",
                   table_text(table, row, "bound"));
}

void soundness_write(FILE *out, const struct data *data)
{
    const struct table *table = &data->soundness;

    fputs("<section id=\"soundness\">\n<h2>Can a damaged proof verify?</h2>\n", out);
    if (!table->there) {
        missing_write(out, "results/soundness.tsv", "make soundness");
    } else {
        write_sum(out, table);
        write_records(out, data, table, "sum", "By prover, damage, kind of block and moment");
        write_records(
            out, data, table, "control",
            "Controls: verifiers broken on purpose, and after how many proofs that was seen");
        write_records(out, data, table, "case", "What verifies and differs, and why that is true");
        fputs("<p class=\"soft\">Each cell of the campaign is in "
              "<code>results/soundness.tsv</code>.</p>\n",
              out);
    }
    fputs("</section>\n", out);
}

/* ---- Stories */

/* Is word one of the words of text? */
static bool mentions(const char *text, const char *word)
{

    size_t length = strlen(word);

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if ((at == text || strchr(word_letters, at[-1]) == NULL) &&
            (at[length] == '\0' || strchr(word_letters, at[length]) == NULL))
            return true;
    return false;
}

/* Links to some rows, in one item of a list. */
static void write_link(FILE *out, const char *name, const char *kind, const char *id, size_t *count)
{
    if ((*count)++ == 0)
        page_print(out, "<dt>%s</dt><dd>", name);
    page_print(out, " <a href=\"#%s-%s\">%s</a>", kind, page_id(id), id);
}

void links_write(FILE *out, const struct data *data, const struct repro *repro)
{
    const struct table *findings = &data->findings;
    const struct table *claims = &data->claims;
    size_t count = 0;

    for (size_t row = 0; row < findings->row_count; row++)
        if (strcmp(table_text(findings, row, "repro"), repro->slug) == 0)
            write_link(out, "findings", "finding", table_text(findings, row, "id"), &count);
    fputs(count > 0 ? "</dd>" : "", out);
    count = 0;
    for (size_t row = 0; row < claims->row_count; row++)
        if (mentions(table_text(claims, row, "measured"), repro->slug))
            write_link(out, "claims", "claim", table_text(claims, row, "claim"), &count);
    fputs(count > 0 ? "</dd>" : "", out);
}

static void write_laws(FILE *out, const struct data *data, const struct repro *repro)
{
    const struct table *laws = &data->laws;

    for (size_t row = 0; row < laws->row_count; row++) {
        const char *arguments = table_text(laws, row, "arguments");

        if (strcmp(table_text(laws, row, "repro"), repro->slug) == 0)
            page_print(out, "<dt>law</dt><dd><code>%s</code> <small>%s</small></dd>",
                       table_text(laws, row, "law"), strcmp(arguments, "NA") == 0 ? "" : arguments);
    }
}

/* Paragraphs, which are separated by empty lines, are reflowed; an indented one is shown as it
 * is. */
static void write_prose(FILE *out, const struct data *data, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        char *paragraph = need(strndup(text, end == NULL ? strlen(text) : (size_t)(end - text)));
        bool set = strncmp(paragraph, "  ", 2) == 0 || strstr(paragraph, "\n  ") != NULL;

        fputs(set ? "<pre>" : "<p>", out);
        data_linked(out, data, paragraph);
        fputs(set ? "</pre>\n" : "</p>\n", out);
        text += strlen(paragraph);
        text += strspn(text, "\n");
        free(paragraph);
    }
}

static void write_story(FILE *out, const struct data *data, const struct repro *repro)
{
    page_print(out,
               "<details class=\"story\" id=\"story-%s\"><summary><span "
               "class=\"slug\">%s</span><small>%s</small></summary>\n<dl>"
               "<dt>class</dt><dd>%s (%s), %s</dd><dt>safe from</dt><dd>observed %s, touched %s, "
               "guaranteed %s</dd>",
               repro->slug, repro->slug, repro->title, repro->class, repro->id, repro->severity,
               repro->observed, repro->touched, repro->guaranteed);
    links_write(out, data, repro);
    write_laws(out, data, repro);
    page_print(out, "<dt>in the matrix</dt><dd><a href=\"#row-%s\">its row</a></dd></dl>\n",
               repro->slug);
    write_prose(out, data, repro->story);
    page_print(out, "<pre><code>build/repro/%s\nbuild/repro/%s --explain</code></pre></details>\n",
               repro->slug, repro->slug);
}

void stories_write(FILE *out, const struct data *data)
{
    page_print(out,
               "<section id=\"stories\">\n<h2>The programs, one by one</h2>\n<p>%zu programs in "
               "<code>repro/</code>: what each "
               "is about, in its own words.</p>\n",
               data->repro_count);
    for (size_t i = 0; i < data->repro_count; i++) {
        if (data_begins_kind(data, i))
            page_print(out, "<h3>%s</h3>\n", kind_titles[data->repros[i].kind]);
        write_story(out, data, &data->repros[i]);
    }
    fputs("</section>\n", out);
}
