/*
 * data.c - reads tables into memory: they are small.
 */
#include "data.h"
#include "page.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const kind_titles[KINDS] = {
    [KIND_MODEL] = "Models of Rust crates, and of std",
    [KIND_REAL] = "The C library and C libraries",
    [KIND_CONTRACT] = "Contract: realloc, and a program's own blocks",
    [KIND_UNSAVED] = "Contract: no MIN_BYTES saves these",
    [KIND_CONTROL] = "Controls",
};

const char *const kind_notes[KINDS] = {
    [KIND_MODEL] = "their structures to the byte; results/crates.tsv has the real crates",
    [KIND_REAL] = "the libraries themselves, no model",
    [KIND_CONTRACT] = "blocks that a program keeps, grows or reads by itself",
    [KIND_UNSAVED] =
        "what a begin recycles in use, or hands out unwiped: a matter of calls, not of sizes",
    [KIND_CONTROL] = "nothing may go wrong here",
};

void die(const char *format, ...)
{
    va_list arguments;

    fputs("zk-report: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

void *need(void *p)
{
    if (p == NULL)
        die("out of memory");
    return p;
}

/* Appends an item to an array of pointers. */
static void *append(void *array, size_t *count, void *item)
{
    void **items = need(reallocarray(array, *count + 1, sizeof *items));

    items[(*count)++] = item;
    return items;
}

/* The rest of the file, terminated by a NUL. */
static char *read_all(FILE *file)
{
    char *text = NULL;
    size_t used = 0;
    size_t got;

    do {
        text = need(realloc(text, used + 65536));
        got = fread(text + used, 1, 65535, file);
        used += got;
    } while (got > 0);
    text[used] = '\0';
    return text;
}

static char *read_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    FILE *file;
    char *text;

    snprintf(path, sizeof path, "%s%s%s", folder, *folder == '\0' ? "" : "/", name);
    file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return NULL;
    if (file == NULL)
        die("%s: %s", path, strerror(errno));
    text = read_all(file);
    if (ferror(file))
        die("%s: %s", path, strerror(errno));
    fclose(file);
    return text;
}

static char **fields_of(char *line, size_t *count)
{
    char **fields = NULL;
    char *field;

    *count = 0;
    while ((field = strsep(&line, "\t")) != NULL)
        fields = append(fields, count, field);
    return fields;
}

struct table table_read(const char *folder, const char *name)
{
    struct table table = {.name = name};
    char *text = read_file(folder, name);
    char *line;

    if (text == NULL)
        return table;
    table.there = true;
    line = strsep(&text, "\n");
    table.columns = fields_of(line, &table.column_count);
    while (text != NULL && (line = strsep(&text, "\n")) != NULL) {
        size_t count;
        char **fields;

        if (*line == '\0')
            continue;
        fields = fields_of(line, &count);
        if (count != table.column_count)
            die("%s: row %zu has %zu fields, and the header %zu: make the table again", name,
                table.row_count + 1, count, table.column_count);
        table.rows = append(table.rows, &table.row_count, fields);
    }
    return table;
}

size_t table_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i], name) == 0)
            return i;
    die("%s: it has no column %s: make the table again", table->name, name);
}

const char *table_text(const struct table *table, size_t row, const char *column)
{
    return table->rows[row][table_column(table, column)];
}

bool number_of(const char *text, double *number)
{
    char *end;

    *number = strtod(text, &end);
    return end != text && *end == '\0';
}

size_t table_find(const struct table *table, const char *column, const char *value,
                  const char *column2, const char *value2)
{
    size_t row = 0;

    for (; row < table->row_count; row++)
        if (strcmp(table_text(table, row, column), value) == 0 &&
            (column2 == NULL || strcmp(table_text(table, row, column2), value2) == 0))
            break;
    return row;
}

/* ---- Repros */

/* What a program prints with one argument; NULL if it cannot be run. */
static char *output_of(const char *program, const char *argument)
{
    int ends[2];
    pid_t child;
    FILE *from;
    char *text;
    int status;

    if (access(program, X_OK) != 0)
        return NULL;
    if (pipe(ends) != 0 || (child = fork()) < 0)
        die("%s: %s", program, strerror(errno));
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, argument, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    from = need(fdopen(ends[0], "r"));
    text = read_all(from);
    fclose(from);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("%s %s: it fails: build it again", program, argument);
    return text;
}

/* The value of key in the output of --describe; "" if it has none. */
static const char *described(const char *description, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = description; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, key, length) == 0 && line[length] == '\t') {
            line += length + 1;
            return need(strndup(line, strcspn(line, "\n")));
        }
        if (line[strcspn(line, "\n")] == '\0')
            break;
    }
    return "";
}

/* --explain without its first line, which is the title and shown elsewhere. */
static const char *story_of(const char *explanation)
{
    const char *story = strchr(explanation, '\n');

    return story == NULL ? explanation : story + strspn(story, "\n");
}

static bool includes_model(const char *sources, const char *slug)
{
    char name[PATH_MAX];
    char *text;
    bool includes;

    snprintf(name, sizeof name, "%s.c", slug);
    text = read_file(sources, name);
    includes = text != NULL && strstr(text, "#include \"models/") != NULL;
    free(text);
    return includes;
}

static enum kind kind_of(const struct repro *repro, const char *sources)
{
    char real[PATH_MAX];

    snprintf(real, sizeof real, "%s/real/%s.c", sources, repro->slug);
    if (strcmp(repro->class, "control") == 0)
        return KIND_CONTROL;
    if (strcmp(repro->bound, "none") == 0)
        return KIND_UNSAVED;
    if (access(real, R_OK) == 0)
        return KIND_REAL;
    if (includes_model(sources, repro->slug))
        return KIND_MODEL;
    return KIND_CONTRACT;
}

static struct repro read_repro(const struct data *data, const char *slug, const char *programs,
                               const char *sources)
{
    struct repro repro = {.slug = slug,
                          .observed = "NA",
                          .touched = "NA",
                          .guaranteed = "NA",
                          .bound = "NA",
                          .story = ""};
    size_t row = table_find(&data->thresholds, "repro", slug, NULL, NULL);
    char program[PATH_MAX];
    const char *description;
    const char *explanation;

    if (slug[strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        die("matrix.tsv: repro %s: want a name of small letters, digits and _", slug);
    snprintf(program, sizeof program, "%s/%s", programs, slug);
    description = output_of(program, "--describe");
    explanation = output_of(program, "--explain");
    if (description == NULL || explanation == NULL)
        die("%s: not there: build it (make build)", program);
    repro.id = described(description, "id");
    repro.class = described(description, "class");
    repro.title = described(description, "title");
    repro.severity = described(description, "severity");
    repro.claim = described(description, "claim");
    repro.story = story_of(explanation);
    if (row < data->thresholds.row_count) {
        repro.observed = table_text(&data->thresholds, row, "observed_min");
        repro.touched = table_text(&data->thresholds, row, "touched_min");
        repro.guaranteed = table_text(&data->thresholds, row, "guaranteed_min");
        repro.bound = strcmp(repro.observed, "none") == 0 || strcmp(repro.touched, "none") == 0
                          ? "none"
                          : repro.guaranteed;
    }
    repro.kind = kind_of(&repro, sources);
    return repro;
}

static double bound_of(const struct repro *repro)
{
    double bound;

    return number_of(repro->bound, &bound) ? bound : strcmp(repro->bound, "none") == 0 ? 1e18 : -1;
}

static int by_kind(const void *a, const void *b)
{
    const struct repro *left = a;
    const struct repro *right = b;
    double difference = bound_of(right) - bound_of(left);

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (difference < 0 || difference > 0)
        return difference < 0 ? -1 : 1;
    return strcmp(left->slug, right->slug);
}

static void read_repros(struct data *data, const char *programs, const char *sources)
{
    data->repro_count = data->matrix.row_count;
    data->repros = need(calloc(data->repro_count + 1, sizeof *data->repros));
    for (size_t i = 0; i < data->repro_count; i++)
        data->repros[i] =
            read_repro(data, table_text(&data->matrix, i, "repro"), programs, sources);
    qsort(data->repros, data->repro_count, sizeof *data->repros, by_kind);
    for (size_t i = 0; i < data->repro_count; i++) {
        double bound;

        if (number_of(data->repros[i].bound, &bound) && bound > (double)data->bound) {
            data->bound = (unsigned long long)bound;
            data->forces = data->repros[i].slug;
        }
    }
}

struct data data_read(const char *results, const char *findings, const char *programs,
                      const char *sources)
{
    struct data data = {
        .matrix = table_read(results, "matrix.tsv"),
        .sweep = table_read(results, "sweep.tsv"),
        .thresholds = table_read(results, "thresholds.tsv"),
        .findings = table_read("", findings),
        .claims = table_read(results, "claims.tsv"),
        .laws = table_read(results, "laws.tsv"),
        .crates = table_read(results, "crates.tsv"),
        .cost = table_read(results, "cost.tsv"),
        .bench = table_read(results, "bench.tsv"),
        .bench_memory = table_read(results, "bench_memory.tsv"),
        .bench_targets = table_read(results, "bench_targets.tsv"),
        .pairs = table_read(results, "pairs.tsv"),
        .begin = table_read(results, "begin.tsv"),
        .memory = table_read(results, "memory.tsv"),
        .soundness = table_read(results, "soundness.tsv"),
        .machine = read_file(results, "bench_machine.txt"),
    };
    const struct table *const wanted[3] = {&data.matrix, &data.sweep, &data.thresholds};

    for (size_t i = 0; i < 3; i++)
        if (!wanted[i]->there)
            die("%s/%s: not there: run make sweep", results, wanted[i]->name);
    if (!data.findings.there)
        die("%s: not there: run make findings", findings);
    read_repros(&data, programs, sources);
    return data;
}

const struct repro *data_repro(const struct data *data, const char *slug)
{
    for (size_t i = 0; i < data->repro_count; i++)
        if (strcmp(data->repros[i].slug, slug) == 0)
            return &data->repros[i];
    return NULL;
}

bool data_begins_kind(const struct data *data, size_t i)
{
    return i == 0 || data->repros[i].kind != data->repros[i - 1].kind;
}

static bool is_finding(const struct data *data, const char *word)
{
    return (*word == 'F' || *word == 'Z') && isdigit((unsigned char)word[1]) &&
           table_find(&data->findings, "id", word, NULL, NULL) < data->findings.row_count;
}

const char word_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

void data_linked(FILE *out, const struct data *data, const char *text)
{
    while (*text != '\0') {
        size_t length = strspn(text, word_letters);
        char *part; /* a word, or the text between two words */

        if (length == 0)
            length = strcspn(text, word_letters);
        part = need(strndup(text, length));
        if (data_repro(data, part) != NULL)
            page_print(out, "<a class=\"slug\" href=\"#story-%s\">%s</a>", part, part);
        else if (is_finding(data, part))
            page_print(out, "<a href=\"#finding-%s\">%s</a>", part, part);
        else
            page_text(out, part);
        free(part);
        text += length;
    }
}
