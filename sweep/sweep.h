/*
 * sweep.h - what the parts of zk-sweep share: the catalogue of repros, the runs, and the options.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* The columns of the matrix, and the names that repros know. */
enum profile { NONE, FLUSH, ROUTE, SEED, PINNED, SYSTEM, PROFILES };
extern const char *const profile_names[PROFILES];

enum {
    RECORD_FIELDS = 11, /* the columns of sweep.tsv */
    OWN_MIN_BYTES = -1, /* the profile's own MIN_BYTES */
};

/* The columns of a record that zk-sweep itself looks at. */
enum field { FIELD_REPRO, FIELD_PROFILE, FIELD_MIN_BYTES, FIELD_OUTCOME };

/* One repro program, as it describes itself. */
struct entry {
    char *path;
    char *slug;
    char *claim;
    char *expect[PROFILES];
};

struct catalogue {
    struct entry *entries; /* sorted by slug */
    size_t count;
};

/* What a run looks for besides an outcome. */
enum audit { NO_AUDIT, CENSUS, TRAP };

/* One run: a repro in a profile at a MIN_BYTES. */
struct run {
    size_t entry;
    enum profile profile;
    long min_bytes; /* or OWN_MIN_BYTES */
    bool probe;     /* for a bound: not in sweep.tsv */
    enum audit audit;
    char *audit_out; /* where it writes its findings */
    pid_t pid;       /* while it runs */
    int pipe;
    double deadline_ms;
    char output[1024];
    size_t length;
    bool done;
    char *fields[RECORD_FIELDS]; /* into output, once done */
};

struct options {
    const char *repro_dir;
    const char *only;  /* a glob of slugs, or NULL */
    const char *out;   /* a folder for the tables, or NULL */
    const char *costs; /* a table of what a MIN_BYTES costs, or NULL */
    bool profiles[PROFILES];
    bool profile_given;
    long *thresholds; /* ascending */
    size_t threshold_count;
    bool thresholds_given;
    unsigned jobs;
    unsigned timeout_ms; /* without progress, for one run; 0 for the repro's own */
    unsigned shard;      /* from 1 on */
    unsigned shards;
    bool list;
};

/* The smallest MIN_BYTES at which something is not seen any more. */
struct level {
    bool measured;
    bool none; /* it is seen at every MIN_BYTES */
    long min_bytes;
};

/* What is known of one repro. observed <= touched <= guaranteed. */
struct bound {
    struct level observed;   /* no harm; by bisection */
    struct level touched;    /* no access to what was retained; by the trap */
    struct level guaranteed; /* nothing retained in the arena; by the census */
    char site[256];          /* that makes the largest retained block; "" if unknown */
};
enum { BOUND_MOST = 1 << 20 };

/* ---- catalogue.c: asks every program in the folder for its descriptor. Exits 2 with a line if it
 * cannot. */
struct catalogue catalogue_read(const struct options *options);
void catalogue_free(struct catalogue *catalogue);

/* ---- plan.c: which runs, in which order. */
struct plan {
    struct run **runs;
    size_t count;
    size_t room;
};
void plan_grid(struct plan *plan, const struct catalogue *catalogue, const struct options *options);
struct run *plan_add(struct plan *plan, size_t entry, enum profile profile, long min_bytes,
                     bool probe);
void plan_list(const struct plan *plan, const struct catalogue *catalogue);
void plan_free(struct plan *plan);

/* ---- runner.c */

/* Runs those runs of the plan that are not done; ready is called after each. False after SIGINT or
 * SIGTERM, when every child is dead. Exits 3 with a line when a run gives no record. */
bool runner_run(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                void (*ready)(void *arg, struct run *run), void *arg);

/* ---- progress.c: a line on stderr when that is a terminal, nothing otherwise. */
void progress_show(size_t done, size_t total, const char *current);
void progress_clear(void);

/* ---- bisect.c */

/* Smallest MIN_BYTES without harm for each repro, under profile route. False when interrupted. */
bool bisect(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
            struct bound *bounds);
bool outcome_is_harm(const char *outcome);

/* ---- audited.c */

/* Finds the touched and the guaranteed bound of each repro, and checks each by a run at it. False
 * when interrupted. Exits 2 with a line if there is no folder for temporary files. */
bool audited(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
             struct bound *bounds);

/* ---- tables.c */

/* Writes sweep.tsv, thresholds.tsv and matrix.tsv into a folder, each whole or not at all. Exits 2
 * with a line if it cannot. */
void tables_write(const char *folder, const struct plan *plan, const struct catalogue *catalogue,
                  const struct bound *bounds);

/* The same from the tables of other folders; returns 0, or 2 with a line. */
int tables_merge(const char *folder, char *const *from, size_t count);

/* ---- report.c */

/* The table at a glance and the recommendation, on stdout. Returns the MIN_BYTES that it recommends. */
long report_print(const struct plan *plan, const struct catalogue *catalogue,
                  const struct bound *bounds);

/* Names every run whose outcome is not the one that its repro declares; returns how many. */
size_t report_unexpected(const struct plan *plan, const struct catalogue *catalogue);

/* "NA", "none" or the number; text has the room for it. */
const char *report_level(const struct level *level, char *text, size_t room);

/* The outcome of entry in profile at the profile's own MIN_BYTES; "NA" when it was not run. */
const char *report_cell(const struct plan *plan, size_t entry, enum profile profile);

/* ---- costs.c */

/* The table of what each MIN_BYTES costs the provers. Exits 2 with a line when path is none. */
struct costs *costs_read(const char *path);

/* It, and what min_bytes and pinned cost, on stdout. */
void costs_print(const struct costs *costs, long min_bytes);
void costs_free(struct costs *costs);

/* ---- common.c: small things, each of which cannot fail */
void *need(void *p); /* exits 3 when p is NULL */
double now_ms(void);
bool word_in(const char *list, const char *word); /* in "a,b,c" */
__attribute__((format(printf, 2, 3), noreturn)) void die(int status, const char *format, ...);

#endif
