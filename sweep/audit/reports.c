/*
 * reports.c - reads what the processes of a run wrote, and makes one report of them.
 *
 * Process N leaves N (the report) and N.phases (what was allocated), or, when it was killed or went
 * by _exit, only the N.part that it made at its first begin.
 */
#include "audit.h"
#include "traces.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KINDS] = {"touched", "retained", "freed_late", "freed", "unwatched"};

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

/* The stacks of the row, which has its other fields already. */
static void add(struct findings *findings, struct finding row, const struct tsv *tsv)
{
    const char *objects = tsv_text_or(tsv, "objects", not_known);

    row.first_use = row.last_use = use_add((struct use){
        .made = trace_add(tsv_text_or(tsv, "stack", not_known), objects, row.site, row.made.module),
        .accessed = trace_add(tsv_text_or(tsv, "access_stack", not_known), objects, row.access_site,
                              row.accessed.module),
        .count = row.count,
        .bytes = row.bytes});
    findings->at = grow(findings->at, findings->count, sizeof *findings->at);
    findings->at[findings->count++] = row;
}

static void read_census(struct tsv *tsv, struct findings *findings, struct strings *strings)
{
    while (tsv_next(tsv))
        add(findings,
            (struct finding){
                .kind = RETAINED,
                .size = tsv_number(tsv, "size"),
                .count = tsv_number(tsv, "count"),
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
            tsv);
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
            tsv);
}

static void add_range(struct report *report, struct size_range range)
{
    for (size_t i = 0; i < report->size_count; i++) {
        if (report->sizes[i].from == range.from && report->sizes[i].to == range.to) {
            report->sizes[i].bytes += range.bytes;
            return;
        }
    }
    report->sizes = grow(report->sizes, report->size_count, sizeof *report->sizes);
    report->sizes[report->size_count++] = range;
}

/* The number of phases and MIN_BYTES are the same in every row of a process. False when there is
 * none: it was killed before it could write that. */
static bool read_sizes(const char *path, struct report *report)
{
    uint64_t phases = 0;
    struct tsv tsv;

    if (!tsv_open(&tsv, path, "min_bytes"))
        return false;
    while (tsv_next(&tsv)) {
        uint64_t min_bytes = tsv_number(&tsv, "min_bytes");

        phases = tsv_number(&tsv, "phases");
        report->min_bytes = least(report->min_bytes, min_bytes);
        report->min_bytes_most = most(report->min_bytes_most, min_bytes);
        add_range(report, (struct size_range){.from = tsv_number(&tsv, "size_from"),
                                              .to = tsv_number(&tsv, "size_to"),
                                              .bytes = tsv_number(&tsv, "bytes")});
    }
    report->phases = sum(report->phases, phases);
    return true;
}

static void read_findings(const char *path, bool trap, struct report *report,
                          struct strings *strings)
{
    struct tsv tsv;

    if (!tsv_open(&tsv, path, trap ? "access_line" : "line"))
        return;
    if (trap)
        read_trap(&tsv, &report->findings, strings);
    else
        read_census(&tsv, &report->findings, strings);
}

/* Both files of a process; or its .part, which tells that they are missing. */
static void read_process(const char *folder, long pid, const char *suffix, bool trap,
                         struct report *report, struct strings *strings)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%ld", folder, pid);
    if (strcmp(suffix, ".part") == 0) {
        FILE *whole = fopen(path, "re");

        if (whole != NULL)
            fclose(whole); /* then it was made before an exec, and what came after reported */
        else if (kill((pid_t)pid, 0) == 0 || errno == EPERM)
            report->running++;
        else
            report->silent++;
        return;
    }
    if (*suffix != '\0')
        return;
    report->processes++;
    read_findings(path, trap, report, strings);
    snprintf(path, sizeof path, "%s/%ld.phases", folder, pid);
    if (!read_sizes(path, report))
        report->silent++;
}

void report_read(const char *folder, bool trap, struct report *report, struct strings *strings)
{
    DIR *files = opendir(folder);
    const struct dirent *entry;

    *report = (struct report){.min_bytes = UNKNOWN, .min_bytes_most = UNKNOWN};
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

void report_free(struct report *report)
{
    free(report->findings.at);
    free(report->sizes);
}
