/*
 * reports.c - reads what the processes of a run wrote, and makes one report of them.
 *
 * Process N leaves N (the report) and N.phases (what was allocated), or, when it was killed or went
 * by _exit, only the N.part that it made at its first begin.
 */
#include "audit.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KINDS] = {"touched", "retained", "freed_late", "freed", "unwatched"};

static struct finding *add(struct findings *findings)
{
    findings->at = grow(findings->at, findings->count, sizeof *findings->at);
    return &findings->at[findings->count++];
}

static void read_census(const char *path, struct findings *findings, struct strings *strings)
{
    struct tsv tsv;

    if (!tsv_open(&tsv, path, "line"))
        return;
    while (tsv_next(&tsv))
        *add(findings) = (struct finding){
            .kind = RETAINED,
            .size = tsv_number(&tsv, "size"),
            .count = tsv_number(&tsv, "count"),
            .bytes = tsv_number(&tsv, "bytes"),
            .threads = tsv_number(&tsv, "threads"),
            .phase_first = tsv_number(&tsv, "phase_first"),
            .phase_last = tsv_number(&tsv, "phase_last"),
            .site = strings_add(strings, tsv_text(&tsv, "site")),
            .made = {.module = strings_add(strings, tsv_text(&tsv, "module")),
                     .symbol = strings_add(strings, tsv_text(&tsv, "symbol")),
                     .file = strings_add(strings, tsv_text(&tsv, "file")),
                     .line = tsv_number(&tsv, "line")},
            .access = not_known,
            .offset = UNKNOWN,
            .access_site = not_known,
            .accessed = {not_known, not_known, not_known, UNKNOWN},
        };
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

static void read_trap(const char *path, struct findings *findings, struct strings *strings)
{
    struct tsv tsv;

    if (!tsv_open(&tsv, path, "access_line"))
        return;
    while (tsv_next(&tsv))
        *add(findings) = (struct finding){
            .kind = kind_of(&tsv),
            .size = tsv_number(&tsv, "size"),
            .count = tsv_number(&tsv, "count"),
            .bytes = UNKNOWN,
            .threads = tsv_number(&tsv, "threads"),
            .phase_first = tsv_number(&tsv, "phase_allocated"),
            .phase_last = tsv_number(&tsv, "phase_accessed"),
            .site = strings_add(strings, tsv_text(&tsv, "site")),
            .made = {.module = strings_add(strings, tsv_text(&tsv, "module")),
                     .symbol = strings_add(strings, tsv_text(&tsv, "symbol")),
                     .file = strings_add(strings, tsv_text(&tsv, "file")),
                     .line = tsv_number(&tsv, "line")},
            .access = strings_add(strings, tsv_text(&tsv, "access")),
            .offset = tsv_number(&tsv, "offset"),
            .access_site = strings_add(strings, tsv_text(&tsv, "access_site")),
            .accessed = {.module = strings_add(strings, tsv_text(&tsv, "access_module")),
                         .symbol = strings_add(strings, tsv_text(&tsv, "access_symbol")),
                         .file = strings_add(strings, tsv_text(&tsv, "access_file")),
                         .line = tsv_number(&tsv, "access_line")},
        };
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

/* A total order: equal means the same rows of two processes. */
int finding_compare(const struct finding *a, const struct finding *b)
{
    int order = strcmp(a->site, b->site);

    if (order != 0)
        return order;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    order = strcmp(a->access_site, b->access_site);
    return order != 0 ? order : strcmp(a->access, b->access);
}

static int compare(const void *a, const void *b)
{
    return finding_compare(a, b);
}

static void prefer_named(struct place *place, const struct place *other)
{
    if (!known(place->file) && known(other->file))
        *place = *other;
}

/* The census tells in which phases; the trap tells of one access, so its phases and its offset
 * belong together, and the earliest one stays. */
static void merge(struct finding *into, const struct finding *from)
{
    if (into->kind == RETAINED) {
        into->phase_first = least(into->phase_first, from->phase_first);
        into->phase_last = most(into->phase_last, from->phase_last);
    } else if (from->phase_first < into->phase_first ||
               (from->phase_first == into->phase_first && from->phase_last < into->phase_last)) {
        into->phase_first = from->phase_first;
        into->phase_last = from->phase_last;
        into->offset = from->offset;
    }
    into->count = sum(into->count, from->count);
    into->bytes = sum(into->bytes, from->bytes);
    into->threads = most(into->threads, from->threads);
    prefer_named(&into->made, &from->made);
    prefer_named(&into->accessed, &from->accessed);
}

static void sort_and_merge(struct findings *findings)
{
    size_t kept = 0;

    if (findings->count == 0)
        return;
    qsort(findings->at, findings->count, sizeof *findings->at, compare);
    for (size_t i = 1; i < findings->count; i++) {
        if (finding_compare(&findings->at[kept], &findings->at[i]) == 0)
            merge(&findings->at[kept], &findings->at[i]);
        else
            findings->at[++kept] = findings->at[i];
    }
    findings->count = kept + 1;
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
    if (trap)
        read_trap(path, &report->findings, strings);
    else
        read_census(path, &report->findings, strings);
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
    sort_and_merge(&report->findings);
}

void report_free(struct report *report)
{
    free(report->findings.at);
    free(report->sizes);
}
