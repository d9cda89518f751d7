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
enum field { FIELD_REPRO, FIELD_PROFILE, FIELD_MIN_BYTES, FIELD_OUTCOME, FIELD_RETAINED_MAX = 9 };

/* An option of a repro. */
struct repro_option {
    char *name;
    char *counts; /* the name by which --for gives it a value */
    unsigned long initial;
    unsigned long least;
    unsigned long most;
    char *words; /* "debian12,2026": the value is the index; or "-": a number */
};

/* A repro's guaranteed bound as a formula. */
struct law {
    char *formula;
    char *arguments; /* with which it holds; "" for none */
    char *source;
    char **at; /* arguments at which it is checked, "" for none */
    size_t at_count;
};

/* One repro program, as it describes itself. */
struct entry {
    char *path;
    char *description; /* all that it says of itself */
    char *slug;
    char *claim;
    char *expect[PROFILES];
    unsigned long threads; /* unless --threads says otherwise */
    struct repro_option *options;
    size_t option_count;
    struct law *laws;
    size_t law_count;
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
    char *arguments; /* further ones, separated by spaces; or NULL */
    size_t number;   /* for whoever planned it */
    pid_t pid;       /* while it runs */
    int pipe;
    double deadline_ms;
    char output[1024];
    size_t length;
    bool done;
    bool again;                  /* alone, and with a long limit */
    bool alone;                  /* so it was */
    char *fields[RECORD_FIELDS]; /* into output, once done */
};

struct options {
    const char *repro_dir;
    const char *only;  /* a glob of slugs, or NULL */
    const char *out;   /* a folder for the tables, or NULL */
    const char *costs; /* a table of what a MIN_BYTES costs, or NULL */
    const char *asked; /* "threads=64,spans=200", for which the laws are evaluated; or NULL */
    bool profiles[PROFILES];
    bool profile_given;
    long *thresholds; /* ascending */
    size_t threshold_count;
    bool thresholds_given;
    unsigned jobs;
    unsigned timeout_ms; /* without progress, for one run; 0 for the repro's own */
    unsigned shard;      /* from 1 on */
    unsigned shards;
    bool shard_given;
    bool laws; /* nothing else, and in full */
    bool list;
    bool keep_environment;
    bool merge;
    char **rest; /* what is no option: the folders to merge */
    size_t rest_count;
};

/* The smallest MIN_BYTES at which something is not seen any more. */
struct level {
    bool measured;
    bool none; /* it is seen at every MIN_BYTES */
    long min_bytes;
};

/* What is known of one repro. observed <= touched <= guaranteed. */
struct bound {
    struct level observed; /* no harm; by bisection */
    bool not_monotone;     /* no such bound: harm at harmed, none at the smaller unharmed */
    long harmed;
    long unharmed;
    struct level touched;    /* no access to what was retained; by the trap */
    struct level guaranteed; /* nothing retained in the arena; by the census */
    char site[256];          /* that makes the largest retained block; "" if unknown */
    char *report; /* what a census wrote of that block, for sites_name; NULL if nothing */
};
enum { BOUND_MOST = 1 << 20 };

/* ---- options.c */

/* Exits 2 with a line when an argument is wrong, 0 after --help and --version. */
void options_parse(struct options *options, int argc, char **argv);

/* Is this entry of the catalogue in the part that was asked for? */
bool in_shard(const struct options *options, size_t entry);

/* "2/3". */
bool parse_shard_name(const char *text, unsigned *shard, unsigned *shards);

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
 * SIGTERM, when every child is dead. A run that hangs, gives no record, or is marked with again is made once more, when
 * no other is, with a long limit, before it counts; of a repro and a profile that were so seen to hang, runs at a smaller
 * MIN_BYTES need not be. Exits 3 with a line when a run gives no record then. */
bool runner_run(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                void (*ready)(void *arg, struct run *run), void *arg);

/* Marks a run that is done to be made again, alone. */
void runner_again(struct run *run);

/* ---- progress.c: a line on stderr when that is a terminal, nothing otherwise. */
void progress_show(size_t done, size_t total, const char *current);
void progress_clear(void);

/* ---- bisect.c */

/* Smallest MIN_BYTES without harm for each repro, under profile route; begins where the other bounds are. False when
 * interrupted. */
bool bisect(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
            struct bound *bounds);
bool outcome_is_harm(const char *outcome);

/* ---- audited.c */

/* Finds the touched and the guaranteed bound of each repro, and checks each by a run at it. False
 * when interrupted. Exits 2 with a line if there is no folder for temporary files. */
bool audited(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
             struct bound *bounds);

/* ---- values.c: what the names in a law stand for. */

enum { VALUES_MOST = 16 }; /* options of a repro */

struct values {
    const struct entry *entry;
    unsigned long options[VALUES_MOST];
    unsigned long threads;
    unsigned long processors;
    unsigned long page_bytes;
};

/* The options as they are unless arguments say otherwise, on this machine. */
struct values values_initial(const struct entry *entry);

/* Takes arguments over: "--pool-threads 17". Exits 3 with a line if the repro has no such option. */
void values_take(struct values *values, const char *arguments);

/* What counts threads gets as many as there are processors. */
void values_of_machine(struct values *values, unsigned long processors);

/* Takes over what was asked for: "threads=64,spans=200", where threads are those of the machine. What
 * the repro has no option for is left out. Exits 2 with a line when a value is not one for its option. */
void values_asked(struct values *values, const char *asked);

/* Exits 2 with a line when asked has a name that neither an option nor the machine has. */
void values_check_asked(const struct catalogue *catalogue, const char *asked);

/* The law of the entry that holds with these values; NULL if it has none. */
const struct law *values_law(const struct values *values);

/* What a law gives. Exits 3 with a line when it gives nothing. */
unsigned long values_bound(const struct values *values, const struct law *law);

/* ---- laws.c: laws against what is measured. */

struct law_check {
    size_t entry;
    const struct law *law;
    size_t at;
    unsigned long said; /* by the law */
    bool skipped;       /* what it needs is not installed */
    long measured;      /* the guaranteed bound; -1 when the census failed */
};

struct law_checks {
    struct law_check *checks; /* by entry, law and value */
    size_t count;
};

/* Measures the guaranteed bound at each value that a law names: by the census of a run one byte below
 * what the law says, in which a block of exactly that size has to be the largest that is retained; in
 * full, also by a run at the bound itself, in which none may be. False when interrupted. */
bool laws_check(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                struct law_checks *checks);
void laws_free(struct law_checks *checks);

/* Names each check that the law misses; returns how many. */
size_t laws_report_missed(const struct law_checks *checks, const struct catalogue *catalogue);

/* How many laws hold, at how many values. */
void laws_print_count(const struct law_checks *checks);

/* What each law gives: with the options of the table, for this machine, and for what was asked. With
 * bounds (or NULL), the MIN_BYTES that follows for each of the two. */
void laws_print(const struct catalogue *catalogue, const struct bound *bounds, const char *asked);

/* The row of laws.tsv for the law that checks[first .. end) are of. */
char *laws_row(const struct law_checks *checks, const struct catalogue *catalogue, size_t first,
               size_t end);

/* One past the last check of the law that checks[first] is of. */
size_t laws_end(const struct law_checks *checks, size_t first);

/* ---- tables.c */

#define SHARD_NAME "shard.tsv"

/* All that a sweep may write into a folder; ended by NULL. */
extern const char *const tables_names[];

/* ---- write.c, into the folder that is open. Exits 2 with a line if it cannot; then the tables there are as before. */

/* Exits 2 with a line when this is a part of a sweep and would replace tables of more. Without a plan only laws.tsv. */
void tables_check_replaced(const struct options *options, const struct plan *plan,
                           const struct catalogue *catalogue);

/* sweep.tsv, thresholds.tsv, matrix.tsv and laws.tsv, and shard.tsv of a shard, for which wrong counts what is not as
 * declared. */
void tables_write(const struct options *options, const struct plan *plan,
                  const struct catalogue *catalogue, const struct bound *bounds,
                  const struct law_checks *checks, size_t wrong);

/* laws.tsv alone. */
void tables_write_laws(const struct catalogue *catalogue, const struct law_checks *checks);

/* ---- merge.c: the same from the tables of other folders. Returns the exit status; exits 2 with a line when they are not
 * all shards of one sweep. */
int merge(char *const *folders, size_t count);

/* ---- folder.c: the one folder that is written to. */

/* Makes it if it is not there, and locks it until the end. Exits 2 with a line when it cannot. */
void folder_open(const char *path);

/* Its descriptor; what is in it may be read. */
int folder_at(void);

/* Writes a table beside the one that it is to replace. */
void folder_add(const char *name, const char *text, size_t bytes);

/* Says that there is to be no table of this name. */
void folder_drop(const char *name);

/* Replaces all that was said, or nothing; and closes the folder. */
void folder_commit(void);

/* Without a commit: leaves it as it was. Also at exit. */
void folder_close(void);

/* A file of a folder, allocated; NULL with errno. */
char *folder_read(int at, const char *name, size_t *bytes);

/* ---- report.c */

/* The table at a glance and the recommendation, on stdout. Returns the MIN_BYTES that it recommends. */
long report_print(const struct plan *plan, const struct catalogue *catalogue,
                  const struct bound *bounds);

/* Names every run whose outcome is not the one that its repro declares; returns how many. */
size_t report_unexpected(const struct plan *plan, const struct catalogue *catalogue);

/* Names every repro of which the observed bound cannot be told, as outcomes are not monotone; returns how many. */
size_t report_not_monotone(const struct catalogue *catalogue, const struct bound *bounds);

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

/* ---- spawn.c */

enum { DIGEST_DIGITS = 64, DIGEST_ROOM = DIGEST_DIGITS + 1 };

/* What a program prints; with input as its stdin, or none if that is -1; without its stderr if quiet. Allocated; NULL with
 * errno when it cannot be run. */
char *ask(const char *const *command, int input, bool quiet, int *status);

/* What sha256sum gives for it, into hex of DIGEST_ROOM. Exits 3 with a line if it gives nothing. */
void digest(const char *text, size_t bytes, char *hex);

/* ---- common.c: small things, each of which cannot fail */
void *need(void *p); /* exits 3 when p is NULL */
double now_ms(void);
/* Exits 2 with a line when stdout is closed, and sees to it that at exit all has reached it, or the status says so. */
void streams_check(void);
/* TMPDIR, or /tmp; never longer than room. */
const char *temporary_folder(size_t room);
const char *own_folder(void); /* that this program lies in; exits 3 when that cannot be read */
bool word_in(const char *list, const char *word);           /* in "a,b,c" */
bool parse_number(const char *text, unsigned long *number); /* digits, and nothing else */
__attribute__((format(printf, 2, 3), noreturn)) void die(int status, const char *format, ...);

/* ---- site.c */

/* Of the bounds that force the recommendation: replaces the site by the function and the line that allocate, if
 * zk-audit, beside this program, names them. */
void sites_name(struct bound *bounds, size_t count);

#endif
