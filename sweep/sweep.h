/*
 * sweep.h - what the parts of zk-sweep share: the catalogue of repros, the runs, and the options.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* The columns of the matrix, whose names repros know. */
enum profile { NONE, FLUSH, ROUTE, SEED, PINNED, SYSTEM, PROFILES };
extern const char *const profile_names[PROFILES];

enum {
    RECORD_FIELDS = 11, /* the columns of sweep.tsv */
    OWN_MIN_BYTES = -1, /* the profile's own MIN_BYTES */
};

/* The columns of a record that zk-sweep itself uses. */
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
    char *arguments; /* that the law presupposes; "" for none */
    char *source;
    char **at; /* arguments at which it is checked, "" for none */
    size_t at_count;
};

/* One repro program, as it describes itself. */
struct entry {
    char *path;
    char *description; /* the whole output of --describe */
    char *slug;
    char *claim;
    char *expect[PROFILES];
    unsigned long threads; /* without --threads */
    struct repro_option *options;
    size_t option_count;
    struct law *laws;
    size_t law_count;
};

struct catalogue {
    struct entry *entries; /* sorted by slug */
    size_t count;
};

/* The audit under which a run is made. */
enum audit { NO_AUDIT, CENSUS, TRAP };

/* One run: a repro in a profile at a MIN_BYTES. */
struct run {
    size_t entry;
    enum profile profile;
    long min_bytes; /* or OWN_MIN_BYTES */
    bool probe;     /* made to find a bound: not in sweep.tsv */
    enum audit audit;
    char *audit_out; /* where the audit writes its reports */
    char *arguments; /* further ones, separated by spaces; or NULL */
    size_t number;   /* for the use of the part that planned it */
    pid_t pid;       /* while it runs */
    int pipe;
    double deadline_ms;
    char output[1024];
    size_t length;
    bool done;
    bool again;                  /* to be made again, alone and with a long limit */
    bool alone;                  /* it was made so */
    char *fields[RECORD_FIELDS]; /* pointers into output, once done */
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
    unsigned jobs;       /* runs at once */
    unsigned traps;      /* of them, under the trap */
    unsigned timeout_ms; /* without progress, for one run; 0 for the repro's own */
    unsigned shard;      /* from 1 on */
    unsigned shards;
    bool shard_given;
    bool laws; /* --laws: check only the laws, but fully */
    bool list;
    bool keep_environment;
    bool merge;
    char **rest; /* operands: the folders to merge */
    size_t rest_count;
};

/* The smallest MIN_BYTES at which something is no longer seen. */
struct level {
    bool measured;
    bool none; /* it is seen at every MIN_BYTES */
    long min_bytes;
};

/* The bounds of one repro. observed <= touched <= guaranteed. */
struct bound {
    struct level observed; /* no harm; found by bisection */
    /* There is no such bound: harm at `harmed`, none at the smaller `unharmed`. */
    bool not_monotone;
    long harmed;
    long unharmed;
    struct level touched;    /* no access to a retained block; found by the trap */
    struct level guaranteed; /* nothing retained in the arena; found by the census */
    char site[256];          /* which allocates the largest retained block; "" if unknown */
    char *report;            /* a census's report on that block, for sites_name; or NULL */
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

/* ---- plan.c: which runs to make, in which order. */
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

/* Makes those runs of the plan that are not done; calls ready after each. False after SIGINT or
 * SIGTERM, when every child is dead. A run that hangs, prints no record, or is marked with
 * runner_again does not count before it has been made once more, alone and with a long limit. If it
 * hangs then too, runs of that repro and profile that hang at a smaller MIN_BYTES are not made
 * again. Exits 3 with a line when a run prints no record the second time. */
bool runner_run(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                void (*ready)(void *arg, struct run *run), void *arg);

/* Marks a run that is done to be made again, alone. */
void runner_again(struct run *run);

/* ---- progress.c: a line on stderr when that is a terminal, nothing otherwise. */
void progress_show(size_t done, size_t total, const char *current);
void progress_clear(void);

/* ---- bisect.c */

/* Finds the smallest MIN_BYTES without harm for each repro, under profile route; starts from the
 * other bounds. False when interrupted. */
bool bisect(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
            struct bound *bounds);
bool outcome_is_harm(const char *outcome);

/* ---- audited.c */

/* Finds the touched and the guaranteed bound of each repro, and checks each by a run at it. False
 * when interrupted. Exits 2 with a line if there is no folder for temporary files. */
bool audited(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
             struct bound *bounds);

/* ---- values.c: what the names in a law stand for. */

enum { VALUES_MOST = 16 }; /* the most options that a repro may have */

struct values {
    const struct entry *entry;
    unsigned long options[VALUES_MOST];
    unsigned long threads;
    unsigned long processors;
    unsigned long page_bytes;
};

/* The options' initial values, on this machine. */
struct values values_initial(const struct entry *entry);

/* Applies arguments: "--pool-threads 17". Exits 3 with a line if the repro has no such option. */
void values_take(struct values *values, const char *arguments);

/* Sets each option that counts threads to the number of processors. */
void values_of_machine(struct values *values, unsigned long processors);

/* Applies what was asked for: "threads=64,spans=200", where threads also sets what
 * values_of_machine sets. Names for which the repro has no option are ignored. Exits 2 with a line
 * when a value is not one for its option. */
void values_asked(struct values *values, const char *asked);

/* Exits 2 with a line when asked has a name that neither an option nor the machine has. */
void values_check_asked(const struct catalogue *catalogue, const char *asked);

/* The law of the entry that holds with these values; NULL if it has none. */
const struct law *values_law(const struct values *values);

/* The value of a law. Exits 3 with a line when it has none. */
unsigned long values_bound(const struct values *values, const struct law *law);

/* ---- laws.c: compares laws with measurements. */

struct law_check {
    size_t entry;
    const struct law *law;
    size_t at;
    unsigned long said; /* what the law gives */
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

/* Names each check that a law fails; returns how many there are. */
size_t laws_report_missed(const struct law_checks *checks, const struct catalogue *catalogue);

/* Prints how many laws hold, at how many values. */
void laws_print_count(const struct law_checks *checks);

/* Prints what each law gives: with the options of the table, for this machine, and for the values
 * asked for. With bounds (or NULL), also the MIN_BYTES that follows for each of the last two. */
void laws_print(const struct catalogue *catalogue, const struct bound *bounds, const char *asked);

/* The row of laws.tsv for the law of checks[first .. end). */
char *laws_row(const struct law_checks *checks, const struct catalogue *catalogue, size_t first,
               size_t end);

/* The index after the last check of checks[first]'s law. */
size_t laws_end(const struct law_checks *checks, size_t first);

/* ---- tables.c */

#define SHARD_NAME "shard.tsv"

/* The names of all files that a sweep may write into a folder; ended by NULL. */
extern const char *const tables_names[];

/* ---- write.c: writes into the open folder. Exits 2 with a line if it cannot; then the tables
 * there are as before. */

/* Exits 2 with a line when this is a part of a sweep and would replace tables of more. Without a plan only laws.tsv. */
void tables_check_replaced(const struct options *options, const struct plan *plan,
                           const struct catalogue *catalogue);

/* Writes sweep.tsv, thresholds.tsv, matrix.tsv and laws.tsv, and for a shard shard.tsv, where wrong
 * is the number of results not as declared. */
void tables_write(const struct options *options, const struct plan *plan,
                  const struct catalogue *catalogue, const struct bound *bounds,
                  const struct law_checks *checks, size_t wrong);

/* laws.tsv alone. */
void tables_write_laws(const struct catalogue *catalogue, const struct law_checks *checks);

/* ---- merge.c: writes the same from the tables of other folders. Returns the exit status; exits 2
 * with a line when they are not all shards of one sweep. */
int merge(char *const *folders, size_t count);

/* ---- folder.c: the folder that is written to. */

/* Creates the folder if it does not exist, and locks it until the end. Exits 2 with a line when it
 * cannot. */
void folder_open(const char *path);

/* The folder's file descriptor, for reading what is in it. */
int folder_at(void);

/* Writes a table next to the one that it is to replace. */
void folder_add(const char *name, const char *text, size_t bytes);

/* Declares that there is to be no table of this name. */
void folder_drop(const char *name);

/* Makes all of the replacements, or none; and closes the folder. */
void folder_commit(void);

/* Closes the folder without a commit, and leaves it as it was. Also called at exit. */
void folder_close(void);

/* The contents of a file in a folder, allocated; NULL with errno. */
char *folder_read(int at, const char *name, size_t *bytes);

/* ---- report.c */

/* Prints the matrix and the recommendation on stdout. Returns the MIN_BYTES that it recommends. */
long report_print(const struct plan *plan, const struct catalogue *catalogue,
                  const struct bound *bounds);

/* Names every run whose outcome is not the one that its repro declares; returns how many. */
size_t report_unexpected(const struct plan *plan, const struct catalogue *catalogue);

/* Names every repro that has no observed bound, because its outcomes are not monotone; returns how
 * many there are. */
size_t report_not_monotone(const struct catalogue *catalogue, const struct bound *bounds);

/* "NA", "none" or the number, written into text. */
const char *report_level(const struct level *level, char *text, size_t room);

/* The outcome of entry in profile at the profile's own MIN_BYTES; "NA" when it was not run. */
const char *report_cell(const struct plan *plan, size_t entry, enum profile profile);

/* ---- costs.c */

/* Reads the table of what each MIN_BYTES costs the provers. Exits 2 with a line when path is no
 * such table. */
struct costs *costs_read(const char *path);

/* Prints the table, and what min_bytes and pinned cost, on stdout. */
void costs_print(const struct costs *costs, long min_bytes);
void costs_free(struct costs *costs);

/* ---- spawn.c */

enum { DIGEST_DIGITS = 64, DIGEST_ROOM = DIGEST_DIGITS + 1 };

/* The output of a program, run with input as its stdin (-1: an empty one), without its stderr if
 * quiet. Allocated; NULL with errno when it cannot be run. */
char *ask(const char *const *command, int input, bool quiet, int *status);

/* Writes the text's checksum by sha256sum into hex, which has DIGEST_ROOM bytes. Exits 3 with a
 * line if that fails. */
void digest(const char *text, size_t bytes, char *hex);

/* ---- common.c: small functions that do not return errors */
void *need(void *p); /* exits 3 when p is NULL */
double now_ms(void);
/* Exits 2 with a line when stdout is closed. At exit, checks that all output has been written; if
 * not, the exit status says so. */
void streams_check(void);
/* TMPDIR, or /tmp if that is unset, unusable, or does not fit into room. */
const char *temporary_folder(size_t room);
const char *own_folder(void); /* the folder of this program; exits 3 when that is unknown */
bool word_in(const char *list, const char *word);           /* in "a,b,c" */
bool parse_number(const char *text, unsigned long *number); /* digits, and nothing else */
__attribute__((format(printf, 2, 3), noreturn)) void die(int status, const char *format, ...);

/* ---- site.c */

/* For the bounds that force the recommendation: replaces the site with the function and line that
 * allocate, if zk-audit, beside this program, can name them. */
void sites_name(struct bound *bounds, size_t count);

#endif
