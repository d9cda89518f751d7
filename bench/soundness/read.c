/*
 * read.c - reads the file of a part and adds it to the table. Sums are not read: they follow from
 * the cells.
 */
#include "checksum.h"
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum column {
    COLUMN_RECORD,
    COLUMN_PROVER,
    COLUMN_CLAIM,
    COLUMN_DAMAGE,
    COLUMN_KIND,
    COLUMN_MOMENT,
    COLUMN_PROOFS,
    COLUMN_OUTCOMES, /* the first of OUTCOMES columns */
    COLUMN_BOUND = COLUMN_OUTCOMES + OUTCOMES,
    COLUMN_NOTE,
    COLUMNS
};

struct reading {
    const char *path;
    unsigned line;
    struct table *table;
    uint64_t cells[OUTCOMES]; /* totals over the cells and over the slices, which must agree */
    uint64_t slices[OUTCOMES];
};

_Noreturn static void wrong(const struct reading *reading, const char *what)
{
    fprintf(stderr, "soundness: %s: line %u: %s: want the whole file that --out wrote\n",
            reading->path, reading->line, what);
    exit(2);
}

static uint64_t number(const struct reading *reading, const char *text)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        wrong(reading, "not a number where one should be");
    return value;
}

/* The index of a name among the `count` names that a function gives. */
static unsigned index_of(const struct reading *reading, const char *text, unsigned count,
                         const char *(*name)(unsigned))
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(text, name(i)) == 0)
            return i;
    wrong(reading, "a name that this program does not know");
}

static const char *prover_at(unsigned i)
{
    return prover_name((enum prover)i);
}

static const char *kind_at(unsigned i)
{
    return memory_kind_name((enum watch_kind)i);
}

static const char *moment_at(unsigned i)
{
    return memory_moment_name((enum watch_moment)i);
}

static const char *reason_at(unsigned i)
{
    return reason_name((enum reason)i);
}

static const char *check_at(unsigned i)
{
    return control_check_name(1U << i);
}

static struct table_selection cell_of(const struct reading *reading, char *const fields[COLUMNS])
{
    return (struct table_selection){
        .prover = index_of(reading, fields[COLUMN_PROVER], PROVERS, prover_at),
        .lying = index_of(reading, fields[COLUMN_CLAIM], 2, table_claim_name),
        .damage = index_of(reading, fields[COLUMN_DAMAGE], TABLE_DAMAGES, table_damage_name),
        .kind = index_of(reading, fields[COLUMN_KIND], WATCH_KINDS, kind_at),
        .moment = index_of(reading, fields[COLUMN_MOMENT], WATCH_MOMENTS, moment_at),
    };
}

static void add_counts(const struct reading *reading, char *const fields[COLUMNS],
                       uint64_t counts[OUTCOMES])
{
    for (unsigned o = 0; o < OUTCOMES; o++)
        counts[o] += number(reading, fields[COLUMN_OUTCOMES + o]);
}

static void add_campaign(const struct reading *reading, char *const fields[COLUMNS])
{
    struct table *table = reading->table;
    const char *note = fields[COLUMN_NOTE];
    const uint64_t proofs = number(reading, fields[COLUMN_PROOFS]);
    uint64_t seed;

    if (strncmp(note, "seed=", 5) != 0)
        wrong(reading, "no seed");
    seed = number(reading, note + 5);
    if (table->proofs == 0) {
        table->proofs = proofs;
        table->seed = seed;
    }
    if (table->proofs != proofs || table->seed != seed)
        wrong(reading, "of another campaign");
}

static void add_slice(struct reading *reading, char *const fields[COLUMNS])
{
    char *colon = strchr(fields[COLUMN_NOTE], ':'), *end;
    struct table_slice *slice;
    uint64_t which;

    if (colon == NULL)
        wrong(reading, "no slice");
    *colon = '\0';
    which = number(reading, fields[COLUMN_NOTE]);
    if (which >= TABLE_SLICES)
        wrong(reading, "no slice of this campaign");
    slice = &reading->table->slices[which];
    if (slice->run)
        wrong(reading, "a slice that was read already: the same part twice?");
    slice->run = true;
    slice->checksum = strtoull(colon + 1, &end, 16);
    if (end == colon + 1 || *end != '\0')
        wrong(reading, "no checksum");
    add_counts(reading, fields, slice->counts);
    add_counts(reading, fields, reading->slices);
}

static struct trial finder_of(struct table_selection cell)
{
    const bool damaged = cell.damage < DAMAGES;

    return (struct trial){
        .tactic = damaged ? (cell.lying == 1 ? TACTIC_LIE : TACTIC_NONE)
                          : (enum tactic)(cell.damage - DAMAGES),
        .damaged = damaged,
        .damage = damaged ? (enum damage)cell.damage : DAMAGE_RANDOM17,
        .target = {.kind = (enum watch_kind)cell.kind, .moment = (enum watch_moment)cell.moment},
    };
}

static void add_control(const struct reading *reading, char *const fields[COLUMNS])
{
    struct table *table = reading->table;
    const unsigned prover = index_of(reading, fields[COLUMN_PROVER], PROVERS, prover_at);
    char *accidents = strstr(fields[COLUMN_NOTE], TABLE_ACCIDENTS);
    unsigned check;

    if (accidents != NULL)
        *accidents = '\0';
    check = 1U << index_of(reading, fields[COLUMN_NOTE], CHECKS, check_at);
    for (unsigned i = 0; i < table->control_count; i++) {
        struct control *control = &table->controls[i];

        if ((unsigned)control->prover != prover || control->check != check ||
            control->accidents != (accidents != NULL))
            continue;
        if (control->run)
            wrong(reading, "a control that was read already: the same part twice?");
        control->run = true;
        control->tried = (unsigned)number(reading, fields[COLUMN_PROOFS]);
        control->found = strcmp(fields[COLUMN_OUTCOMES + OUTCOME_FALSE], "1") == 0;
        if (control->found)
            control->finder = finder_of(cell_of(reading, fields));
        return;
    }
    wrong(reading, "a control that this program does not know");
}

static void add_case(const struct reading *reading, char *const fields[COLUMNS])
{
    const unsigned prover = index_of(reading, fields[COLUMN_PROVER], PROVERS, prover_at);
    const unsigned reason = index_of(reading, fields[COLUMN_NOTE], REASONS, reason_at);

    reading->table->reasons[prover][reason] += number(reading, fields[COLUMN_PROOFS]);
}

static void add_row(struct reading *reading, char *const fields[COLUMNS])
{
    const char *record = fields[COLUMN_RECORD];

    if (strcmp(record, "campaign") == 0) {
        add_campaign(reading, fields);
    } else if (strcmp(record, "cell") == 0) {
        add_counts(reading, fields, reading->table->counts[table_place(cell_of(reading, fields))]);
        add_counts(reading, fields, reading->cells);
    } else if (strcmp(record, "case") == 0) {
        add_case(reading, fields);
    } else if (strcmp(record, "control") == 0) {
        add_control(reading, fields);
    } else if (strcmp(record, "slice") == 0) {
        add_slice(reading, fields);
    } else if (strcmp(record, "sum") != 0) {
        wrong(reading, "a record that this program does not know");
    }
}

static void split(const struct reading *reading, char *line, char *fields[COLUMNS])
{
    unsigned count = 0;

    for (char *field; (field = strsep(&line, "\t")) != NULL; count++) {
        if (count == COLUMNS)
            wrong(reading, "too many columns");
        fields[count] = field;
    }
    if (count != COLUMNS)
        wrong(reading, "too few columns");
}

void table_add(struct table *table, const char *path)
{
    struct reading reading = {.path = path, .table = table};
    FILE *file = fopen(path, "re");
    uint64_t checksum = checksum_start();
    char *line = NULL, *fields[COLUMNS];
    size_t room = 0;
    ssize_t bytes;
    bool ended = false;

    if (file == NULL) {
        fprintf(stderr, "soundness: %s: cannot be read: %s\n", path, strerror(errno));
        exit(2);
    }
    while ((bytes = getline(&line, &room, file)) > 0) {
        const uint64_t before = checksum;

        reading.line++;
        checksum = checksum_add(checksum, line, (size_t)bytes);
        if (ended || line[bytes - 1] != '\n')
            wrong(&reading, "cut, or more behind its end");
        line[bytes - 1] = '\0';
        split(&reading, line, fields);
        ended = strcmp(fields[COLUMN_RECORD], "end") == 0;
        if (ended && strtoull(fields[COLUMN_NOTE], NULL, 16) != before)
            wrong(&reading, "its checksum is not that of the lines before");
        if (!ended && reading.line > 1)
            add_row(&reading, fields);
    }
    if (!ended)
        wrong(&reading, "cut: its last line is missing");
    if (memcmp(reading.cells, reading.slices, sizeof reading.cells) != 0)
        wrong(&reading, "its cells are not its slices' proofs");
    free(line);
    fclose(file);
}
