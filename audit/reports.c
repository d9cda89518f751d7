/*
 * reports.c - reads the reports of a run's processes, and merges them into one.
 *
 * Process N leaves the files N (the report) and N.phases (what was allocated); if it was killed or
 * left through _exit, only N.part, which it creates at its first begin.
 */
#include "audit.h"
#include "traces.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KINDS] = {"touched", "retained",  "freed_late",
                                       "freed",   "unwatched", "discarded"};

static struct place read_place(const struct tsv *tsv, const char *prefix, struct strings *strings)
{
    char names[4][32];
    static const char *const columns[] = {"module", "symbol", "file", "line"};

    for (size_t i = 0; i < 4; i++)
        snprintf(names[i], sizeof names[i], "%s%s", prefix, columns[i]);
    return (struct place){.module = strings_add(strings, tsv_text(tsv, names[0])),
                          .symbol = strings_add(strings, tsv_text(tsv, names[1])),
                          .file = strings_add(strings, tsv_text(tsv, names[2])),
                          .line = tsv_number(tsv, names[3])};
}

/* Adds the stacks to the row, whose other fields are set, and the row to findings. */
static void add(struct findings *findings, struct finding row, const struct tsv *tsv,
                struct strings *strings)
{
    const char *objects = tsv_text_or(tsv, "objects", not_known);

    row.first_use = row.last_use = use_add((struct use){
        .made = trace_add(tsv_text_or(tsv, "stack", not_known), objects, row.site, row.made.module),
        .accessed = trace_add(tsv_text_or(tsv, "access_stack", not_known), objects, row.access_site,
                              row.accessed.module),
        .count = row.count,
        .bytes = row.bytes,
        .course = strings_add(strings, tsv_text_or(tsv, "course", not_known))});
    findings->at = grow(findings->at, findings->count, sizeof *findings->at);
    findings->at[findings->count++] = row;
}

static uint64_t asked_in(const struct tsv *tsv)
{
    uint64_t asked = tsv_number_if_any(tsv, "asked");

    return asked == UNKNOWN ? tsv_number(tsv, "size") : asked;
}

static void read_census(struct tsv *tsv, struct findings *findings, struct strings *strings)
{
    while (tsv_next(tsv))
        add(findings,
            (struct finding){
                .kind = RETAINED,
                .size = tsv_number(tsv, "size"),
                .count = tsv_number(tsv, "count"),
                .first = UNKNOWN,
                .asked = asked_in(tsv),
                .bytes = tsv_number(tsv, "bytes"),
                .threads = tsv_number(tsv, "threads"),
                .phase_first = tsv_number(tsv, "phase_first"),
                .phase_last = tsv_number(tsv, "phase_last"),
                .site = strings_add(strings, tsv_text(tsv, "site")),
                .made = read_place(tsv, "", strings),
                .access = not_known,
                .offset = UNKNOWN,
                .access_site = not_known,
                .accessed = {not_known, not_known, not_known, UNKNOWN, NULL},
            },
            tsv, strings);
}

static enum kind kind_of(const struct tsv *tsv)
{
    const char *name = tsv_text(tsv, "kind");

    for (enum kind kind = TOUCHED; kind < KINDS; kind++)
        if (kind != RETAINED && strcmp(name, kind_names[kind]) == 0)
            return kind;
    die(3, "%s: kind %s is none that a trap reports: is this zk-audit older than libzkalloc?",
        tsv->path, name);
}

static void read_trap(struct tsv *tsv, struct findings *findings, struct strings *strings)
{
    while (tsv_next(tsv))
        add(findings,
            (struct finding){
                .kind = kind_of(tsv),
                .size = tsv_number(tsv, "size"),
                .count = tsv_number(tsv, "count"),
                .first = tsv_number_if_any(tsv, "first"),
                .asked = asked_in(tsv),
                .bytes = UNKNOWN,
                .threads = tsv_number(tsv, "threads"),
                .phase_first = tsv_number(tsv, "phase_allocated"),
                .phase_last = tsv_number(tsv, "phase_accessed"),
                .site = strings_add(strings, tsv_text(tsv, "site")),
                .made = read_place(tsv, "", strings),
                .access = strings_add(strings, tsv_text(tsv, "access")),
                .offset = tsv_number(tsv, "offset"),
                .access_site = strings_add(strings, tsv_text(tsv, "access_site")),
                .accessed = read_place(tsv, "access_", strings),
            },
            tsv, strings);
}

static void add_range(struct report *report, struct size_range range)
{
    for (size_t i = 0; i < report->size_count; i++) {
        if (report->sizes[i].from == range.from && report->sizes[i].to == range.to) {
            report->sizes[i].bytes += range.bytes;
            report->sizes[i].count += range.count;
            return;
        }
    }
    report->sizes = grow(report->sizes, report->size_count, sizeof *report->sizes);
    report->sizes[report->size_count++] = range;
}

static const struct report no_report = {.min_bytes = UNKNOWN,
                                        .min_bytes_most = UNKNOWN,
                                        .arena_retained = UNKNOWN,
                                        .watched_bytes = UNKNOWN,
                                        .memory_limit = UNKNOWN,
                                        .address_limit = UNKNOWN,
                                        .mappings_limit = UNKNOWN};

/* Keeps the numbers of the process whose trap will come nearest to its limit. */
static void read_needs(const struct tsv *tsv, struct report *report)
{
    report->watched_bytes = most(report->watched_bytes, tsv_number_if_any(tsv, "watched_bytes"));
    report->memory_limit = least(report->memory_limit, tsv_number_if_any(tsv, "memory_limit"));
    report->address_limit = least(report->address_limit, tsv_number_if_any(tsv, "address_limit"));
    report->mappings_limit =
        least(report->mappings_limit, tsv_number_if_any(tsv, "mappings_limit"));
}

/* The number of phases and MIN_BYTES are the same in every row of a process. */
static void read_rows(struct tsv *tsv, struct report *report)
{
    uint64_t phases = 0;
    uint64_t lost = 0;
    uint64_t allocations = UNKNOWN;

    while (tsv_next(tsv)) {
        uint64_t min_bytes = tsv_number(tsv, "min_bytes");

        phases = tsv_number(tsv, "phases");
        lost = tsv_number_if_any(tsv, "lost");
        allocations = tsv_number_if_any(tsv, "allocations");
        report->arena_retained =
            most(report->arena_retained, tsv_number_if_any(tsv, "arena_retained"));
        report->kernel_unseen = report->kernel_unseen || tsv_number_if_any(tsv, "sees_kernel") == 0;
        report->places_unseen = report->places_unseen || tsv_number_if_any(tsv, "sees_places") == 0;
        report->min_bytes = least(report->min_bytes, min_bytes);
        report->min_bytes_most = most(report->min_bytes_most, min_bytes);
        add_range(report, (struct size_range){.from = tsv_number(tsv, "size_from"),
                                              .to = tsv_number(tsv, "size_to"),
                                              .count = tsv_number(tsv, "count"),
                                              .bytes = tsv_number(tsv, "bytes")});
        read_needs(tsv, report);
    }
    report->phases = sum(report->phases, phases);
    report->lost = sum(report->lost, lost);
    report->allocations = allocations == UNKNOWN || report->allocations == UNKNOWN
                              ? UNKNOWN
                              : report->allocations + allocations;
}

/* False when the file is missing: the process was killed before it could write it. */
static bool read_sizes(const char *path, struct report *report)
{
    struct tsv tsv;

    if (!tsv_open(&tsv, path, "min_bytes"))
        return false;
    read_rows(&tsv, report);
    return true;
}

static void read_table(struct tsv *tsv, bool trap, struct report *report, struct strings *strings)
{
    report->processes++;
    if (trap)
        read_trap(tsv, &report->findings, strings);
    else
        read_census(tsv, &report->findings, strings);
}

static const char *last_column(bool trap)
{
    return trap ? "access_line" : "line";
}

static FILE *temporary(void)
{
    FILE *file = tmpfile();

    if (file == NULL)
        die(3, "no temporary file: %s: set TMPDIR to a folder that can be written",
            strerror(errno));
    return file;
}

/* Reads what a process wrote that could not rename its report: both tables, in the file that it had
 * open. False if they are incomplete. */
static bool read_kept(const char *folder, long pid, bool trap, struct report *report,
                      struct strings *strings)
{
    static const char second[] = "size_from\t";
    char path[PATH_MAX];
    FILE *tables[2] = {temporary(), temporary()};
    size_t lines[2] = {0, 0};
    size_t table = 0;
    char *line = NULL;
    size_t room = 0;
    FILE *file;
    struct tsv tsv;

    snprintf(path, sizeof path, "%s/%ld.part", folder, pid);
    file = fopen(path, "re");
    while (file != NULL && getline(&line, &room, file) > 0) {
        if (strncmp(line, second, sizeof second - 1) == 0)
            table = 1;
        fputs(line, tables[table]);
        lines[table]++;
    }
    if (file != NULL)
        fclose(file);
    free(line);
    if (lines[0] < 1 || lines[1] < 2) {
        fclose(tables[0]);
        fclose(tables[1]);
        return false;
    }
    rewind(tables[0]);
    rewind(tables[1]);
    tsv_start(&tsv, tables[0], path, last_column(trap));
    read_table(&tsv, trap, report, strings);
    tsv_start(&tsv, tables[1], path, "min_bytes");
    read_rows(&tsv, report);
    return true;
}

static bool is_running(long pid)
{
    return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

/* Reads both files of a process; or its .part, which shows that they are missing. */
static void read_process(const char *folder, long pid, const char *suffix, bool trap,
                         struct report *report, struct strings *strings)
{
    char path[PATH_MAX];
    struct tsv tsv;

    snprintf(path, sizeof path, "%s/%ld", folder, pid);
    if (strcmp(suffix, ".part") == 0) {
        FILE *whole = fopen(path, "re");

        if (whole != NULL)
            fclose(whole); /* a .part from before an exec: the program after it reported */
        else if (is_running(pid))
            report->running++;
        else if (!read_kept(folder, pid, trap, report, strings))
            report->silent++;
        return;
    }
    if (strcmp(suffix, ".so_far") == 0) { /* it was asked for, and more was to come */
        if (is_running(pid))
            report->running++;
        else
            report->silent++;
    }
    if (*suffix != '\0')
        return;
    if (tsv_open(&tsv, path, last_column(trap)))
        read_table(&tsv, trap, report, strings);
    snprintf(path, sizeof path, "%s/%ld.phases", folder, pid);
    if (!read_sizes(path, report))
        report->silent++;
}

void report_read(const char *folder, bool trap, struct report *report, struct strings *strings)
{
    DIR *files = opendir(folder);
    const struct dirent *entry;

    *report = no_report;
    if (files == NULL)
        die(3, "%s: %s: do not remove it while zk-audit runs", folder, strerror(errno));
    while ((entry = readdir(files)) != NULL) {
        char *suffix;
        long pid = strtol(entry->d_name, &suffix, 10);

        if (suffix != entry->d_name)
            read_process(folder, pid, suffix, trap, report, strings);
    }
    closedir(files);
}

bool report_looked_away(const struct report *report)
{
    for (size_t i = 0; i < report->findings.count; i++)
        if (report->findings.at[i].kind == UNWATCHED)
            return true;
    return report->kernel_unseen;
}

/* ---- Reports that were written without zk-audit */

/* How many fields a line has. */
static size_t count_fields(const char *line)
{
    size_t count = 1;

    for (; (line = strchr(line, '\t')) != NULL; line++)
        count++;
    return count;
}

/* The header of a table in the line, maybe after output that did not end in a newline. */
static const char *find_header(const char *line, bool trap)
{
    return strstr(line,
                  trap ? "kind\taccess\tphase_allocated\t" : "phase_first\tphase_last\tsite\t");
}

/* The rows of all tables of one kind as one table; NULL if there is none. */
static FILE *extract(FILE *from, bool trap)
{
    FILE *table = NULL;
    char *line = NULL;
    size_t room = 0;
    size_t fields = 0; /* of the current table; 0 outside of a table */

    rewind(from);
    while (getline(&line, &room, from) > 0) {
        const char *header = find_header(line, trap);

        if (header == NULL && fields > 0 && count_fields(line) == fields &&
            find_header(line, !trap) == NULL)
            fputs(line, table);
        if (header == NULL)
            continue;
        fields = count_fields(header);
        if (table == NULL)
            table = temporary();
        if (ftell(table) == 0)
            fputs(header, table);
    }
    free(line);
    if (table != NULL)
        rewind(table);
    return table;
}

static void read_alone(FILE *from, const char *path, bool trap, struct run *run,
                       struct strings *strings)
{
    FILE *table = extract(from, trap);
    struct tsv tsv;

    if (table == NULL)
        return;
    if (!run->made)
        run->report = no_report;
    run->made = true;
    tsv_start(&tsv, table, path, last_column(trap));
    read_table(&tsv, trap, &run->report, strings);
}

/* A copy, since a pipe cannot be read twice. */
static FILE *copy_of(FILE *from)
{
    FILE *copy = temporary();
    char part[4096];
    size_t got;

    while ((got = fread(part, 1, sizeof part, from)) > 0)
        fwrite(part, 1, got, copy);
    return copy;
}

void report_read_alone(const char *path, struct audit *audit, struct strings *strings)
{
    FILE *file = strcmp(path, "-") == 0 ? copy_of(stdin) : fopen(path, "re");
    size_t before = audit->census.report.processes + audit->trap.report.processes;
    char sizes[PATH_MAX];

    if (file == NULL)
        die(2, "%s: %s: want a report that ZK_ALLOC_AUDIT_OUT named", path, strerror(errno));
    read_alone(file, path, false, &audit->census, strings);
    read_alone(file, path, true, &audit->trap, strings);
    fclose(file);
    if (before == audit->census.report.processes + audit->trap.report.processes)
        die(2,
            "%s: there is no report in it: want what ZK_ALLOC_AUDIT_OUT named, or the stderr "
            "of "
            "a program under ZK_ALLOC_AUDIT",
            path);
    snprintf(sizes, sizeof sizes, "%s.phases", path);
    if (!read_sizes(sizes, audit->census.made ? &audit->census.report : &audit->trap.report))
        audit->census.report.unsized = true;
}

void report_free(struct report *report)
{
    free(report->findings.at);
    free(report->sizes);
}
