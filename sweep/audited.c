/*
 * audited.c - the bounds that do not depend on luck: one byte more than the largest block that the
 * trap saw touched, or the census saw retained. A run at that MIN_BYTES checks each; if it finds a
 * block again, the block grows with MIN_BYTES, and no threshold helps.
 */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct audits {
    struct plan *plan;
    const struct catalogue *catalogue;
    struct bound *bounds;
};

/* The temporary folder, removed at every exit. */
static struct {
    pid_t owner; /* only this process removes it, no child */
    char path[256];
} reports;

/* The largest size in a report, and who allocated it. */
struct largest {
    long size;
    char site[256];
    char *report; /* the report's header and the block's row; NULL if there is none */
};

static void add_audit(struct audits *audits, size_t entry, enum audit audit, long min_bytes)
{
    struct run *run = plan_add(audits->plan, entry, ROUTE, min_bytes, true);

    run->audit = audit;
    if (asprintf(&run->audit_out, "%s/%s.%d.%ld.%%p", reports.path,
                 audits->catalogue->entries[entry].slug, (int)audit, min_bytes) < 0)
        run->audit_out = need(NULL);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Takes the library or program from a report's column; sites_name finds the line later. */
static void name_site(char *site, size_t room, const char *module)
{
    snprintf(site, room, "%s", strcmp(module, "NA") != 0 ? base_name(module) : "");
}

/* The columns of a report that are used here, by audit. */
static const struct {
    int columns; /* at least */
    int asked;   /* the size asked for, which decides the route */
    int module;
} layouts[] = {[CENSUS] = {14, 13, 7}, [TRAP] = {23, 21, 9}};

static void take_row(struct largest *largest, enum audit audit, const char *header, char *row)
{
    char *fields[24] = {0};
    char *whole;
    long size;
    int count = 0;

    row[strcspn(row, "\n")] = '\0';
    if (asprintf(&whole, "%s%s\n", header, row) < 0)
        whole = need(NULL);
    while (row != NULL && count < 24)
        fields[count++] = strsep(&row, "\t");
    if (count < layouts[audit].columns || (audit == TRAP && strcmp(fields[0], "touched") != 0) ||
        (size = atol(fields[layouts[audit].asked])) <= largest->size) {
        free(whole);
        return;
    }
    free(largest->report);
    largest->report = whole;
    largest->size = size;
    name_site(largest->site, sizeof largest->site, fields[layouts[audit].module]);
}

static void read_rows(struct largest *largest, enum audit audit, const char *path)
{
    char *header = NULL;
    char *line = NULL;
    size_t header_room = 0;
    size_t room = 0;
    FILE *from = fopen(path, "r");

    if (from == NULL)
        return;
    if (getline(&header, &header_room, from) > 0)
        while (getline(&line, &room, from) > 0)
            take_row(largest, audit, header, line);
    free(header);
    free(line);
    fclose(from);
}

/* Reads and removes the run's reports; each of its processes has written one. The size is -1 when
 * there are none: no phase was begun. */
static struct largest take_reports(const struct run *run)
{
    struct largest largest = {.size = -1};
    /* The name ends in "%p". */
    const char *name = base_name(run->audit_out);
    size_t common = strlen(name) - strlen("%p");
    DIR *folder = opendir(reports.path);
    const struct dirent *item;

    while (folder != NULL && (item = readdir(folder)) != NULL) {
        const char *process = item->d_name + common;
        char path[PATH_MAX];

        if (strncmp(item->d_name, name, common) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", reports.path, item->d_name);
        if (*process != '\0' && strspn(process, "0123456789") == strlen(process)) {
            if (largest.size < 0)
                largest.size = 0;
            read_rows(&largest, run->audit, path);
        }
        unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    return largest;
}

/* Harm even under pinned recycling, which keeps what is retained, does not come from retained
 * blocks: no audit sees it, and no bound helps. */
static bool is_unretained(const struct entry *entry)
{
    return outcome_is_harm(entry->expect[PINNED]);
}

/* Did a census count a larger block than its report contains? */
static bool says_more(const struct run *run, const struct largest *largest)
{
    long retained = atol(run->fields[FIELD_RETAINED_MAX]); /* NA is 0 */

    return run->audit == CENSUS && retained > 0 && retained > largest->size;
}

/* Is there a report, and does it contain what the run says it saw? */
static bool is_whole(const struct run *run, const struct largest *largest)
{
    return word_in("skip,hang", run->fields[FIELD_OUTCOME]) ||
           (largest->size >= 0 && !says_more(run, largest));
}

static void audit_ended(void *arg, struct run *run)
{
    struct audits *audits = arg;
    struct bound *bound = &audits->bounds[run->entry];
    struct level *level = run->audit == CENSUS ? &bound->guaranteed : &bound->touched;
    struct largest largest = take_reports(run);
    long min_bytes = largest.size <= 0 ? 0 : largest.size + 1;

    if (!run->alone && !is_whole(run, &largest)) {
        runner_again(run); /* perhaps there was no room or no time for the report */
        free(largest.report);
        return;
    }
    if (says_more(run, &largest))
        die(3,
            "%s: its census saw %s bytes retained in a block, and its report does not have them: "
            "is there room in %s?",
            run->fields[FIELD_REPRO], run->fields[FIELD_RETAINED_MAX], reports.path);
    if (largest.size < 0 || strcmp(run->fields[FIELD_OUTCOME], "skip") == 0) {
        free(largest.report);
        return;
    }
    if (run->min_bytes != 0) { /* this run was the check */
        level->none = largest.size >= run->min_bytes;
        free(largest.report);
        return;
    }
    if (run->audit == CENSUS) {
        snprintf(bound->site, sizeof bound->site, "%s", largest.site);
        bound->report = largest.report;
    } else {
        free(largest.report);
    }
    *level = (struct level){.measured = true,
                            .min_bytes = min_bytes,
                            .none = is_unretained(&audits->catalogue->entries[run->entry])};
    if (min_bytes > 0)
        add_audit(audits, run->entry, run->audit, min_bytes);
}

static void remove_reports(void)
{
    DIR *folder = getpid() == reports.owner ? opendir(reports.path) : NULL;
    const struct dirent *item;

    if (folder == NULL)
        return;
    while ((item = readdir(folder)) != NULL)
        unlinkat(dirfd(folder), item->d_name, 0);
    closedir(folder);
    rmdir(reports.path);
}

static void make_reports(void)
{
    snprintf(reports.path, sizeof reports.path, "%s/zk-sweep-XXXXXX",
             temporary_folder(sizeof reports.path - 20));
    if (mkdtemp(reports.path) == NULL)
        die(2, "%s: %s: set TMPDIR to a folder that can be written", reports.path, strerror(errno));
    reports.owner = getpid();
    atexit(remove_reports);
}

bool audited(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
             struct bound *bounds)
{
    struct audits audits = {.plan = plan, .catalogue = catalogue, .bounds = bounds};
    bool whole;

    make_reports();
    for (size_t entry = 0; entry < catalogue->count; entry++) {
        if (!in_shard(options, entry))
            continue;
        add_audit(&audits, entry, CENSUS, 0);
        add_audit(&audits, entry, TRAP, 0);
    }
    whole = runner_run(plan, catalogue, options, audit_ended, &audits);
    remove_reports();
    return whole;
}
