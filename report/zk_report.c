/*
 * zk_report.c - writes results/report.html from the committed tables and from the descriptions that
 * the repros print. Two runs on the same tables write the same bytes.
 */
#include "page.h"
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct page_part parts[] = {{"matrix", "Matrix"},    {"bounds", "Bounds"},
                                         {"costs", "Costs"},      {"bench", "Allocators"},
                                         {"memory", "Lifetimes"}, {"findings", "Findings"},
                                         {"claims", "Claims"},    {"soundness", "Soundness"},
                                         {"stories", "Programs"}, {NULL}};

static void print_help(void)
{
    puts("usage: zk-report --results FOLDER --findings FILE --programs FOLDER --sources FOLDER "
         "--out FILE\n"
         "Writes a page of all tables: the matrix, the bounds, costs, findings and claims.\n\n"
         "  --results   the folder with sweep.tsv, matrix.tsv, thresholds.tsv, and the others that "
         "are there\n"
         "  --findings  findings.tsv\n"
         "  --programs  the folder with the built repros, which say what they are about\n"
         "  --sources   the folder with their sources: repro\n"
         "  --out       the page\n"
         "  --picture   the matrix alone, as SVG\n"
         "  --version   print the version");
}

static size_t count_in(const struct data *data, const char *profile, const char *outcome)
{
    size_t count = 0;

    for (size_t row = 0; row < data->matrix.row_count; row++)
        count += strcmp(table_text(&data->matrix, row, profile), outcome) == 0;
    return count;
}

static size_t count_kind(const struct data *data, enum kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < data->repro_count; i++)
        count += data->repros[i].kind == kind;
    return count;
}

/* Names the repros that pinned does not save. */
static void write_harmed(FILE *out, const struct data *data)
{
    const char *before = ": all but ";

    for (size_t row = 0; row < data->matrix.row_count; row++) {
        const char *outcome = table_text(&data->matrix, row, "pinned");
        const char *slug = table_text(&data->matrix, row, "repro");

        if (strcmp(outcome, "clean") == 0 || strcmp(outcome, "refused") == 0)
            continue;
        page_print(out, "%s<a class=\"slug\" href=\"#story-%s\">%s</a>", before, slug, slug);
        before = ", ";
    }
    fputs(". ", out);
}

/* The answer, before the data that it follows from. */
static void write_answer(FILE *out, const struct data *data)
{
    size_t unharmed = count_in(data, "pinned", "clean") + count_in(data, "pinned", "refused");

    fputs("<p class=\"lead\">A phase arena hands out the same memory in each round. What a library "
          "keeps from one round to "
          "the next is then overwritten, and nothing reports it. ",
          out);
    page_print(out,
               "Under <b>pinned</b> recycling, the default, %zu of %zu programs are unharmed at "
               "any <code>MIN_BYTES</code>",
               unharmed, data->repro_count);
    write_harmed(out, data);
    if (data->forces != NULL)
        page_print(
            out,
            "With blind recycling these need <b>MIN_BYTES \xE2\x89\xA5 %llu</b>: <a class=\"slug\" "
            "href=\"#story-%s\">%s</a> forces it; and no number saves those whose bug is in the "
            "contract.",
            data->bound, data->forces, data->forces);
    fputs("</p>\n<ul class=\"facts\">\n", out);
    page_print(out,
               "<li><b>%zu / %zu</b><span>harmed by the seed\xE2\x80\x99s settings</span></li>\n",
               matrix_harmed(data, "seed"), data->repro_count);
    page_print(out, "<li><b>%zu / %zu</b><span>harmed under pinned</span></li>\n",
               matrix_harmed(data, "pinned"), data->repro_count);
    page_print(out, "<li><b>%s</b><span>bytes: MIN_BYTES, if blind</span></li>\n",
               page_grouped(data->bound));
    page_print(out, "<li><b>%zu</b><span>that no MIN_BYTES saves</span></li>\n",
               count_kind(data, KIND_UNSAVED));
    page_print(out, "<li><b>%zu</b><span>findings</span></li>\n</ul>\n", data->findings.row_count);
}

static void write_page(FILE *out, const struct data *data)
{
    page_begin(out, "What crosses a phase, and what it takes to be safe", "zkalloc", parts);
    write_answer(out, data);
    matrix_write(out, data);
    bounds_write(out, data);
    costs_write(out, data);
    bench_write(out, data);
    memory_write(out, data);
    findings_write(out, data);
    claims_write(out, data);
    soundness_write(out, data);
    stories_write(out, data);
    cells_write(out, data);
    page_end(out, "Made by make report from the tables in results/ and findings.tsv, and from what "
                  "the programs in repro/ say of "
                  "themselves.");
}

/* Writes a temporary file, and renames it to path: path is complete, or unchanged. */
static void publish(const char *path, const char *bytes, size_t count)
{
    char part[PATH_MAX];
    FILE *file;
    bool written;

    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        die("%s: the path is too long", path);
    file = fopen(part, "we");
    if (file == NULL)
        die("%s: %s: want a file that can be written", path, strerror(errno));
    written = fwrite(bytes, 1, count, file) == count;
    written = fclose(file) == 0 && written;
    written = written && rename(part, path) == 0;
    if (!written) {
        int error = errno;

        unlink(part);
        die("%s: %s: it is not written", path, strerror(error));
    }
}

/* Writes the output of `write` to path. */
static void make(const char *path, void (*write)(FILE *out, const struct data *data),
                 const struct data *data)
{
    char *bytes;
    size_t count;
    FILE *out = need(open_memstream(&bytes, &count));

    write(out, data);
    if (ferror(out) || fclose(out) != 0)
        die("out of memory");
    publish(path, bytes, count);
    free(bytes);
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"results", required_argument, NULL, 'r'},
        {"findings", required_argument, NULL, 'f'},
        {"programs", required_argument, NULL, 'p'},
        {"sources", required_argument, NULL, 's'},
        {"out", required_argument, NULL, 'o'},
        {"picture", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    static const char letters[] = "rfpsom";
    const char *values[6] = {NULL}; /* in the order of the enum */
    struct data data;
    int code;

    while ((code = getopt_long(argc, argv, "", names, NULL)) != -1) {
        const char *which = strchr(letters, code);

        if (code == 'h') {
            print_help();
            return 0;
        }
        if (code == 'v') {
            puts("zk-report " ZK_VERSION);
            return 0;
        }
        if (which == NULL)
            return 2; /* getopt has printed why */
        values[which - letters] = optarg;
    }
    for (size_t i = 0; i < 5; i++)
        if (values[i] == NULL || optind < argc)
            die("want --results, --findings, --programs, --sources and --out, and nothing else but "
                "--picture: see --help");
    data = data_read(values[0], values[1], values[2], values[3]);
    make(values[4], write_page, &data);
    if (values[5] != NULL)
        make(values[5], matrix_picture, &data);
    return 0;
}
