/*
 * tables.c - the TSV files: sorted, and whole or not there.
 */
#include "sweep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct table {
    const char *name;
    const char *header;
    char **rows;
    size_t count;
};

static struct table new_table(const char *name, const char *header)
{
    return (struct table){.name = name, .header = header};
}

static struct table sweep_table(void)
{
    return new_table("sweep.tsv",
                     "repro\tprofile\tmin_bytes\toutcome\tcycles\tcorrupt_cycles\tfirst_offset\t"
                     "corrupt_bytes\tretained_count\tretained_max\tdetail");
}

static struct table thresholds_table(void)
{
    return new_table("thresholds.tsv",
                     "repro\tobserved_min\ttouched_min\tguaranteed_min\tseed_claim\tverdict");
}

static struct table matrix_table(void)
{
    return new_table("matrix.tsv", "repro\tnone\tflush\troute\tseed\tpinned\tsystem");
}

static struct table laws_table(void)
{
    return new_table("laws.tsv", "repro\tlaw\tvalues\tbounds\tfirst_512\tfirst_1024\tfirst_4096\t"
                                 "first_8192\targuments\tsource");
}

/* Takes the row over. */
static void add_row(struct table *table, char *row)
{
    table->rows = need(reallocarray(table->rows, table->count + 1, sizeof *table->rows));
    table->rows[table->count++] = need(row);
}

/* Field by field; numbers as numbers. */
static int by_fields(const void *a, const void *b)
{
    const char *left = *(char *const *)a;
    const char *right = *(char *const *)b;

    for (;;) {
        size_t left_length = strcspn(left, "\t");
        size_t right_length = strcspn(right, "\t");
        size_t shorter = left_length < right_length ? left_length : right_length;
        int order;

        if (strspn(left, "0123456789") == left_length &&
            strspn(right, "0123456789") == right_length && left_length != right_length)
            return left_length < right_length ? -1 : 1;
        order = memcmp(left, right, shorter);
        if (order != 0)
            return order;
        if (left_length != right_length)
            return left_length < right_length ? -1 : 1;
        if (left[left_length] == '\0' || right[right_length] == '\0')
            return (left[left_length] != '\0') - (right[right_length] != '\0');
        left += left_length + 1;
        right += right_length + 1;
    }
}

static void write_table(const char *folder, struct table *table)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX + 8];
    FILE *to;
    bool failed;

    if (table->count > 0)
        qsort(table->rows, table->count, sizeof *table->rows, by_fields);
    snprintf(path, sizeof path, "%s/%s", folder, table->name);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    to = fopen(temporary, "w");
    if (to == NULL)
        die(2, "%s: %s: choose a folder that can be written with --out", temporary,
            strerror(errno));
    fprintf(to, "%s\n", table->header);
    for (size_t i = 0; i < table->count; i++)
        if (i == 0 || strcmp(table->rows[i], table->rows[i - 1]) != 0)
            fprintf(to, "%s\n", table->rows[i]);
    failed = ferror(to) != 0;
    if (fclose(to) != 0 || failed || rename(temporary, path) != 0) {
        int error = errno;

        unlink(temporary);
        die(2, "%s: %s", path, strerror(error));
    }
}

static void free_table(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->rows[i]);
    free(table->rows);
}

static void make_folder(const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        die(2, "%s: %s", folder, strerror(errno));
}

static char *record_row(const struct run *run)
{
    char *row;

    if (asprintf(&row, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", run->fields[0], run->fields[1],
                 run->fields[2], run->fields[3], run->fields[4], run->fields[5], run->fields[6],
                 run->fields[7], run->fields[8], run->fields[9], run->fields[10]) < 0)
        return NULL;
    return row;
}

static char *threshold_row(const struct entry *entry, const struct bound *bound)
{
    const struct level *observed = &bound->observed;
    const char *verdict = "not testable";
    char texts[3][32];
    char *row;

    if (observed->measured && strcmp(entry->claim, "NA") != 0)
        verdict =
            !observed->none && observed->min_bytes <= atol(entry->claim) ? "confirmed" : "refuted";
    if (asprintf(&row, "%s\t%s\t%s\t%s\t%s\t%s", entry->slug,
                 report_level(observed, texts[0], sizeof texts[0]),
                 report_level(&bound->touched, texts[1], sizeof texts[1]),
                 report_level(&bound->guaranteed, texts[2], sizeof texts[2]), entry->claim,
                 verdict) < 0)
        return NULL;
    return row;
}

static char *matrix_row(const struct plan *plan, const struct catalogue *catalogue, size_t entry)
{
    char *row;

    if (asprintf(&row, "%s\t%s\t%s\t%s\t%s\t%s\t%s", catalogue->entries[entry].slug,
                 report_cell(plan, entry, NONE), report_cell(plan, entry, FLUSH),
                 report_cell(plan, entry, ROUTE), report_cell(plan, entry, SEED),
                 report_cell(plan, entry, PINNED), report_cell(plan, entry, SYSTEM)) < 0)
        return NULL;
    return row;
}

/* Was any run made of entry? Not so in another shard. */
static bool was_run(const struct plan *plan, size_t entry)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->runs[i]->entry == entry && !plan->runs[i]->probe)
            return true;
    return false;
}

void tables_write_laws(const char *folder, const struct catalogue *catalogue,
                       const struct law_checks *checks)
{
    struct table laws = laws_table();

    for (size_t first = 0; first < checks->count; first = laws_end(checks, first))
        add_row(&laws, laws_row(checks, catalogue, first, laws_end(checks, first)));
    make_folder(folder);
    write_table(folder, &laws);
    free_table(&laws);
}

void tables_write(const char *folder, const struct plan *plan, const struct catalogue *catalogue,
                  const struct bound *bounds, const struct law_checks *checks)
{
    struct table sweep = sweep_table();
    struct table thresholds = thresholds_table();
    struct table matrix = matrix_table();

    for (size_t i = 0; i < plan->count; i++)
        if (!plan->runs[i]->probe)
            add_row(&sweep, record_row(plan->runs[i]));
    for (size_t entry = 0; entry < catalogue->count; entry++) {
        if (!was_run(plan, entry))
            continue;
        add_row(&thresholds, threshold_row(&catalogue->entries[entry], &bounds[entry]));
        add_row(&matrix, matrix_row(plan, catalogue, entry));
    }
    make_folder(folder);
    write_table(folder, &sweep);
    write_table(folder, &thresholds);
    write_table(folder, &matrix);
    tables_write_laws(folder, catalogue, checks);
    free_table(&sweep);
    free_table(&thresholds);
    free_table(&matrix);
}

/* Appends the rows of one file, whose header must be the table's. */
static void read_table(const char *folder, struct table *table)
{
    char path[PATH_MAX];
    char *line = NULL;
    size_t room = 0;
    FILE *from;

    snprintf(path, sizeof path, "%s/%s", folder, table->name);
    from = fopen(path, "r");
    if (from == NULL)
        die(2, "%s: %s: want a folder that zk-sweep --out has written", path, strerror(errno));
    for (size_t number = 1; getline(&line, &room, from) > 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (number == 1 && strcmp(line, table->header) != 0)
            die(2, "%s: another version's header: run the shard again", path);
        if (number > 1)
            add_row(table, strdup(line));
    }
    free(line);
    fclose(from);
}

int tables_merge(const char *folder, char *const *from, size_t count)
{
    struct table tables[] = {sweep_table(), thresholds_table(), matrix_table(), laws_table()};

    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
            read_table(from[i], &tables[t]);
    make_folder(folder);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        write_table(folder, &tables[t]);
        free_table(&tables[t]);
    }
    return 0;
}
