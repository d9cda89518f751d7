/*
 * table.c - the counts, and writing them to a file.
 */
#include "table.h"

#include "checksum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] =
    "record\tprover\tclaim\tdamage\tkind\tmoment\tproofs\trefused\tfailed\t"
    "unchanged\tdiffers\tfalse\tbound\tnote\n";

void table_start(struct table *table, uint64_t seed, uint64_t proofs)
{
    *table = (struct table){.seed = seed, .proofs = proofs};
    table->control_count = control_list(table->controls);
}

size_t table_place(struct table_selection cell)
{
    size_t place = cell.prover;

    place = place * 2 + cell.lying;
    place = place * TABLE_DAMAGES + cell.damage;
    place = place * WATCH_KINDS + cell.kind;
    return place * WATCH_MOMENTS + cell.moment;
}

static struct table_selection cell_at(size_t place)
{
    return (struct table_selection){
        .prover = (unsigned)(place / WATCH_MOMENTS / WATCH_KINDS / TABLE_DAMAGES / 2),
        .lying = (unsigned)(place / WATCH_MOMENTS / WATCH_KINDS / TABLE_DAMAGES % 2),
        .damage = (unsigned)(place / WATCH_MOMENTS / WATCH_KINDS % TABLE_DAMAGES),
        .kind = (unsigned)(place / WATCH_MOMENTS % WATCH_KINDS),
        .moment = (unsigned)(place % WATCH_MOMENTS),
    };
}

uint64_t table_proofs(const uint64_t counts[OUTCOMES])
{
    uint64_t sum = 0;

    for (unsigned o = 0; o < OUTCOMES; o++)
        sum += counts[o];
    return sum;
}

double table_bound(uint64_t proofs)
{
    return proofs < 3 ? 1 : 3 / (double)proofs;
}

static bool matches(unsigned wanted, unsigned limit, unsigned value)
{
    return wanted == limit || wanted == value;
}

void table_sum(const struct table *table, struct table_selection selection,
               uint64_t counts[OUTCOMES])
{
    memset(counts, 0, OUTCOMES * sizeof *counts);
    for (size_t i = 0; i < TABLE_CELLS; i++) {
        const struct table_selection cell = cell_at(i);

        if (!matches(selection.prover, PROVERS, cell.prover) ||
            !matches(selection.lying, 2, cell.lying) ||
            !matches(selection.damage, TABLE_DAMAGES, cell.damage) ||
            !matches(selection.kind, WATCH_KINDS, cell.kind) ||
            !matches(selection.moment, WATCH_MOMENTS, cell.moment))
            continue;
        for (unsigned o = 0; o < OUTCOMES; o++)
            counts[o] += table->counts[i][o];
    }
}

unsigned table_damage_of(const struct trial *trial)
{
    return trial->damaged ? (unsigned)trial->damage : DAMAGES + (unsigned)trial->tactic;
}

const char *table_damage_name(unsigned damage)
{
    return damage < DAMAGES ? damage_name((enum damage)damage)
                            : tactic_name((enum tactic)(damage - DAMAGES));
}

const char *table_claim_name(unsigned lying)
{
    return lying == 2 ? "all" : lying == 1 ? "false" : "true";
}

void table_count(struct table *table, unsigned slice, const struct trial *trial,
                 struct verdict verdict)
{
    const struct table_selection cell = {(unsigned)trial->prover, trial->tactic != TACTIC_NONE,
                                         table_damage_of(trial), (unsigned)trial->target.kind,
                                         (unsigned)trial->target.moment};
    const uint64_t all[] = {table_place(cell), verdict.outcome, verdict.reason};
    struct table_slice *of = &table->slices[slice];

    if (!of->run)
        of->checksum = checksum_start();
    of->run = true;
    of->checksum = checksum_add(of->checksum, all, sizeof all);
    of->counts[verdict.outcome]++;
    table->counts[table_place(cell)][verdict.outcome]++;
    table->reasons[trial->prover][verdict.reason]++;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void put_counts(FILE *file, const uint64_t counts[OUTCOMES], const char *note)
{
    const uint64_t proofs = table_proofs(counts);

    fprintf(file, "\t%" PRIu64, proofs);
    for (unsigned o = 0; o < OUTCOMES; o++)
        fprintf(file, "\t%" PRIu64, counts[o]);
    if (counts[OUTCOME_FALSE] == 0 && proofs > 0)
        fprintf(file, "\t%.2g", table_bound(proofs));
    else
        fputs("\t-", file);
    fprintf(file, "\t%s\n", note);
}

static void put_what(FILE *file, const char *record, struct table_selection s)
{
    fprintf(file, "%s\t%s\t%s\t%s\t%s\t%s", record,
            s.prover == PROVERS ? "all" : prover_name((enum prover)s.prover),
            table_claim_name(s.lying),
            s.damage == TABLE_DAMAGES ? "all" : table_damage_name(s.damage),
            s.kind == WATCH_KINDS ? "all" : memory_kind_name((enum watch_kind)s.kind),
            s.moment == WATCH_MOMENTS ? "all" : memory_moment_name((enum watch_moment)s.moment));
}

static void put_cells(const struct table *table, FILE *file)
{
    for (size_t i = 0; i < TABLE_CELLS; i++) {
        if (table_proofs(table->counts[i]) == 0)
            continue;
        put_what(file, "cell", cell_at(i));
        put_counts(file, table->counts[i], "-");
    }
}

static void put_sum(const struct table *table, FILE *file, struct table_selection selection)
{
    uint64_t counts[OUTCOMES];

    table_sum(table, selection, counts);
    if (table_proofs(counts) == 0)
        return;
    put_what(file, "sum", selection);
    put_counts(file, counts, "-");
}

static void put_sums(const struct table *table, FILE *file)
{
    const struct table_selection all = table_all;
    struct table_selection s;

    put_sum(table, file, all);
    for (s = all, s.lying = 0; s.lying < 2; s.lying++)
        put_sum(table, file, s);
    for (s = all, s.prover = 0; s.prover < PROVERS; s.prover++)
        put_sum(table, file, s);
    for (s = all, s.damage = 0; s.damage < TABLE_DAMAGES; s.damage++)
        put_sum(table, file, s);
    for (s = all, s.kind = 0; s.kind < WATCH_KINDS; s.kind++)
        put_sum(table, file, s);
    for (s = all, s.moment = 0; s.moment < WATCH_MOMENTS; s.moment++)
        put_sum(table, file, s);
    for (s = all, s.prover = 0; s.prover < PROVERS; s.prover++)
        for (s.damage = 0; s.damage < TABLE_DAMAGES; s.damage++)
            put_sum(table, file, s);
}

/* Writes a control's row: how many proofs came up to the first false one, and what that one was. */
static void put_control(const struct control *control, FILE *file)
{
    const struct trial *finder = &control->finder;

    if (!control->run)
        return;
    fprintf(file, "control\t%s", prover_name(control->prover));
    if (control->found)
        fprintf(file, "\t%s\t%s\t%s\t%s", table_claim_name(finder->tactic != TACTIC_NONE),
                table_damage_name(table_damage_of(finder)), memory_kind_name(finder->target.kind),
                memory_moment_name(finder->target.moment));
    else
        fputs("\t-\t-\t-\t-", file);
    fprintf(file, "\t%u\t-\t-\t-\t-\t%d\t-\t%s%s\n", control->tried, control->found ? 1 : 0,
            control_check_name(control->check), control->accidents ? TABLE_ACCIDENTS : "");
}

static void put_rows(const struct table *table, FILE *file)
{
    char note[80];

    fputs(header, file);
    fprintf(file, "campaign\t-\t-\t-\t-\t-\t%" PRIu64 "\t-\t-\t-\t-\t-\t-\tseed=%" PRIu64 "\n",
            table->proofs, table->seed);
    put_cells(table, file);
    put_sums(table, file);
    for (unsigned p = 0; p < PROVERS; p++)
        for (unsigned reason = REASON_NONE + 1; reason < REASONS; reason++)
            if (table->reasons[p][reason] > 0)
                fprintf(file,
                        "case\t%s\ttrue\t-\t-\t-\t%" PRIu64 "\t0\t0\t0\t%" PRIu64 "\t0\t-\t%s\n",
                        prover_name((enum prover)p), table->reasons[p][reason],
                        table->reasons[p][reason], reason_name((enum reason)reason));
    for (unsigned i = 0; i < table->control_count; i++)
        put_control(&table->controls[i], file);
    for (unsigned slice = 0; slice < TABLE_SLICES; slice++) {
        const struct table_slice *of = &table->slices[slice];

        if (!of->run)
            continue;
        snprintf(note, sizeof note, "%u:%016" PRIx64, slice, of->checksum);
        fputs("slice\tall\tall\tall\tall\tall", file);
        put_counts(file, of->counts, note);
    }
}

static void cannot_write(const char *path)
{
    fprintf(stderr, "soundness: %s: cannot be written: %s\n", path, strerror(errno));
    exit(2);
}

static char *temporary_for(const char *path)
{
    const size_t room = strlen(path) + 16;
    char *temporary = malloc(room);

    if (temporary == NULL)
        cannot_write(path);
    snprintf(temporary, room, "%s.%ld", path, (long)getpid());
    return temporary;
}

void table_try(const char *path)
{
    char *temporary = temporary_for(path);
    FILE *file = fopen(temporary, "we");

    if (file == NULL)
        cannot_write(path);
    fclose(file);
    unlink(temporary);
    free(temporary);
}

void table_write(const struct table *table, const char *path)
{
    char *temporary = temporary_for(path), *text = NULL;
    size_t bytes = 0;
    FILE *rows = open_memstream(&text, &bytes), *file;
    int written;

    if (rows == NULL)
        cannot_write(path);
    put_rows(table, rows);
    if (fclose(rows) != 0)
        cannot_write(path);
    file = fopen(temporary, "we");
    if (file == NULL)
        cannot_write(path);
    written = fprintf(file, "%send\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t%016" PRIx64 "\n", text,
                      checksum_add(checksum_start(), text, bytes));
    if (fclose(file) != 0 || written < 0 || rename(temporary, path) != 0) {
        unlink(temporary);
        cannot_write(path);
    }
    free(text);
    free(temporary);
}

const char *table_lacks(const struct table *table)
{
    static char text[80];

    for (unsigned slice = 0; slice < TABLE_SLICES; slice++)
        if (!table->slices[slice].run) {
            snprintf(text, sizeof text, "slice %u", slice);
            return text;
        }
    for (unsigned i = 0; i < table->control_count; i++)
        if (!table->controls[i].run) {
            snprintf(text, sizeof text, "control %s%s of %s",
                     control_check_name(table->controls[i].check),
                     table->controls[i].accidents ? TABLE_ACCIDENTS : "",
                     prover_name(table->controls[i].prover));
            return text;
        }
    return NULL;
}
