/*
 * write.c - makes tables of a sweep's results, and writes them into the folder.
 */
#include "sweep.h"

#include "shard.h"

#include <stdlib.h>
#include <string.h>

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

static void add_laws(struct table *laws, const struct catalogue *catalogue,
                     const struct law_checks *checks)
{
    for (size_t first = 0; first < checks->count; first = laws_end(checks, first))
        table_add(laws, laws_row(checks, catalogue, first, laws_end(checks, first)));
}

static void put(struct table *table, struct shard *shard)
{
    size_t bytes;
    char *text = table_text(table, &bytes);

    folder_add(table->name, text, bytes);
    if (shard != NULL)
        shard_add_table(shard, table->name, text, bytes);
    free(text);
    table_free(table);
}

void tables_write_laws(const struct catalogue *catalogue, const struct law_checks *checks)
{
    struct table laws = table_new(LAWS_TABLE);

    add_laws(&laws, catalogue, checks);
    put(&laws, NULL);
    folder_drop(SHARD_NAME);
    folder_commit();
}

void tables_write(const struct options *options, const struct plan *plan,
                  const struct catalogue *catalogue, const struct bound *bounds,
                  const struct law_checks *checks, size_t wrong)
{
    struct table tables[TABLES];
    struct shard *shard = options->shard_given ? shard_new(options, catalogue, wrong) : NULL;

    for (enum table_kind kind = 0; kind < TABLES; kind++)
        tables[kind] = table_new(kind);
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->runs[i]->probe)
            table_add(&tables[SWEEP_TABLE], record_row(plan->runs[i]));
    for (size_t entry = 0; entry < catalogue->count; entry++) {
        if (!in_shard(options, entry))
            continue;
        table_add(&tables[THRESHOLDS_TABLE],
                  threshold_row(&catalogue->entries[entry], &bounds[entry]));
        table_add(&tables[MATRIX_TABLE], matrix_row(plan, catalogue, entry));
    }
    add_laws(&tables[LAWS_TABLE], catalogue, checks);
    for (enum table_kind kind = 0; kind < TABLES; kind++)
        put(&tables[kind], shard);
    if (shard != NULL)
        shard_put(shard);
    else
        folder_drop(SHARD_NAME);
    folder_commit();
}

/* ---- Tables that exist already ---- */

static bool is_partial(const struct options *options)
{
    return options->only != NULL || options->profile_given || options->thresholds_given ||
           options->shards > 1;
}

static bool has_entry(const struct options *options, const struct catalogue *catalogue,
                      const char *slug)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (in_shard(options, i) && strcmp(catalogue->entries[i].slug, slug) == 0)
            return true;
    return false;
}

/* How many rows the new table will have at most for this repro and profile. */
static size_t count_planned(const struct plan *plan, const struct catalogue *catalogue,
                            const char *slug, const char *profile)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        count += strcmp(catalogue->entries[plan->runs[i]->entry].slug, slug) == 0 &&
                 strcmp(profile_names[plan->runs[i]->profile], profile) == 0;
    return count;
}

static _Noreturn void refuse_partial(const struct options *options, const char *table,
                                     const char *slug, const char *profile)
{
    die(2,
        "%s/%s: has rows of %s%s%s that this part of a sweep will not have: choose another --out, "
        "or remove the tables there first",
        options->out, table, slug, *profile != '\0' ? " --profile " : "", profile);
}

/* Rows of sweep.tsv are sorted, so those of one repro and profile are together. */
static void check_rows(const struct options *options, const struct plan *plan,
                       const struct catalogue *catalogue, const char *name, char *text)
{
    char before[256] = "";
    size_t same = 0;
    char *line;

    text += strcspn(text, "\n");
    text += *text != '\0';
    while ((line = strsep(&text, "\n")) != NULL && *line != '\0') {
        char key[256];
        const char *slug = strsep(&line, "\t");
        const char *profile = line != NULL ? strsep(&line, "\t") : "";

        if (!has_entry(options, catalogue, slug))
            refuse_partial(options, name, slug, "");
        if (plan == NULL || strcmp(name, tables_names[SWEEP_TABLE]) != 0)
            continue;
        snprintf(key, sizeof key, "%s %s", slug, profile);
        same = strcmp(key, before) == 0 ? same + 1 : 1;
        memcpy(before, key, sizeof before);
        if (same > count_planned(plan, catalogue, slug, profile))
            refuse_partial(options, name, slug, profile);
    }
}

void tables_check_replaced(const struct options *options, const struct plan *plan,
                           const struct catalogue *catalogue)
{
    for (enum table_kind kind = plan != NULL ? 0 : LAWS_TABLE; is_partial(options) && kind < TABLES;
         kind++) {
        size_t bytes;
        char *text = folder_read(folder_at(), tables_names[kind], &bytes);

        if (text != NULL)
            check_rows(options, plan, catalogue, tables_names[kind], text);
        free(text);
    }
}
