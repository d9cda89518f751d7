/*
 * run.h - inside the harness: one run, and what the child tells the parent about it.
 */
#ifndef RUN_H
#define RUN_H

#include "repro.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    RUN_FILLERS_MAX = REPRO_TEAM_MAX,
    RUN_EXTENTS_MAX = 4096,
    RUN_TEXT_MAX = 200,
    RUN_OPTIONS_MAX = 16,
    PROOF_THREADS_MAX = 2 * REPRO_TEAM_MAX, /* of the child, looked at for a proof that it hangs */
};

/* A run of damaged bytes. */
struct extent {
    unsigned cycle;
    size_t offset; /* from the start of the filler or of the data */
    size_t bytes;
    unsigned char last[16]; /* its last bytes; preceded by 0 where it has fewer */
};

/* A thread that spins until another one does something: see watcher_looked. */
struct looker {
    _Atomic pid_t thread;
    _Atomic unsigned waits; /* begun so far */
    _Atomic uint64_t looks; /* in all waits together */
};

/* Shared memory of child and parent, which survives a crash of the child. */
struct report {
    _Atomic unsigned progress; /* changes as long as the child makes progress */
    _Atomic bool finished;
    _Atomic bool refused;
    _Atomic bool skipped;
    _Atomic bool early;          /* harm before the first boundary, which no boundary caused */
    _Atomic bool failed;         /* the harness could not do its work */
    unsigned cycles;             /* boundaries crossed */
    unsigned corrupt_cycles;     /* those in which data was corrupt */
    unsigned last_corrupt_cycle; /* if there is any */
    size_t corrupt_bytes;
    size_t extent_count;
    struct extent extents[RUN_EXTENTS_MAX];
    bool recycles_live;      /* the profile recycles what is retained */
    uint64_t retained_count; /* the most at any one begin */
    bool retained_known;     /* a census was taken, and retained_max is the largest block */
    size_t retained_max;
    uint64_t touched_count;   /* stale accesses that the trap caught */
    size_t touched_max;       /* bytes of the largest block touched */
    char wrong[RUN_TEXT_MAX]; /* text of the first repro_wrong */
    char note[RUN_TEXT_MAX];
    char reason[RUN_TEXT_MAX]; /* why it was refused, skipped or failed */
    const char *endless_why;   /* said by the last thread that cannot go on; static */
    _Atomic unsigned looker_count;
    struct looker lookers[PROOF_THREADS_MAX];
    int signal; /* which killed the child; 0: none */
    bool hung;
    bool proven; /* it hung, and would have done so for ever */
    bool address_known;
    uintptr_t address; /* of the fault */
};

enum { RUN_SWITCHES_MAX = 8 };

struct settings {
    enum repro_profile profile;
    const char *switches[RUN_SWITCHES_MAX]; /* "nesting=count": overrides the profile */
    unsigned switch_count;
    bool min_bytes_given;
    size_t min_bytes;
    unsigned cycles;
    unsigned threads;
    unsigned limit_ms;
    bool filler;
    enum zk_audit audit; /* run under this audit, whose report replaces the outcome */
    unsigned long options[RUN_OPTIONS_MAX];
};

/* The number of threads without --threads. */
static inline unsigned default_threads(void)
{
    return repro.threads != 0 ? repro.threads : 2;
}

/* The number of cycles without --cycles. */
static inline unsigned default_cycles(void)
{
    return repro.cycles != 0 ? repro.cycles : 10;
}

/* Is the option given as --name alone, without a value? */
static inline bool option_is_flag(const struct repro_option *own)
{
    return own->words == NULL && own->most == 0;
}

struct filler {
    unsigned char *bytes;
    size_t size;
};

struct repro_run {
    struct settings settings;
    struct report *report;
    unsigned phase; /* begins so far */
    unsigned cycle; /* calls of repro_cycle so far */
    bool checked;   /* the fillers of this phase */
    bool forked;    /* the body runs in a child process */
    bool counting;  /* this is the second run, for the census only */
    uint64_t word;  /* the fillers repeat it */
    struct filler fillers[RUN_FILLERS_MAX];
    _Atomic unsigned filler_count;
    struct repro_thread *threads; /* of repro_spawn */
    void (*reach)(void *team, void (*act)(void *arg), void *arg);
    void *team;
};

/* profile.c */
const char *profile_name(enum repro_profile profile);
/* -1 if no profile has that name. */
int profile_by_name(const char *name);
/* Applies the profile's switches to this process, then those of --switch. False if the allocator
 * refused. */
bool profile_apply(const struct repro_run *run);
/* False if there is no such switch or value. */
bool profile_check_switch(const char *text);
/* Does a begin recycle what is retained? */
bool profile_recycles_live(enum repro_profile profile);
bool profile_flushes(enum repro_profile profile);
/* MIN_BYTES of the run; SIZE_MAX where there is no arena. */
size_t profile_min_bytes(const struct settings *settings);

/* outcome.c */
const char *outcome_name(enum repro_outcome outcome);
int outcome_exit(enum repro_outcome outcome);
/* The outcomes, as bits, of a comma-separated list of names; 0 if one is unknown. */
unsigned outcomes_by_name(const char *names);
/* Writes the outcomes into text as "corrupt,crash". */
const char *outcomes_text(unsigned outcomes, char *text, size_t room);
/* The outcomes that the descriptor expects on this machine. */
unsigned outcomes_declared(enum repro_profile profile);
enum repro_outcome outcome_of(const struct report *report);

/* canary.c: finds and records the runs in which data differs from the repeated word. */
void canary_compare(struct report *report, unsigned cycle, const unsigned char *data, uint64_t word,
                    size_t size);
void canary_fill(unsigned char *data, uint64_t word, size_t size);

/* Counts cycle as corrupt, once. In cycle 0 it is marked as early: no boundary has been crossed
 * that could have caused the harm. */
void canary_mark(struct report *report, unsigned cycle);

/* damage.c: true if a corrupt run damaged the bytes that the descriptor declares, or if it declares
 * none; else false, with one line on stderr. */
bool damage_is_declared(const struct repro_run *run);

/* child.c: runs the body in a child process, and once more for a census of what it retains; or,
 * with --no-fork, in this process. False when it could not be run at all, with one line on
 * stderr. */
bool child_run(struct repro_run *run);
bool child_run_here(struct repro_run *run);

/* watch.c: waits for the child, and kills it when it hangs. Returns its wait status. The caller has
 * blocked SIGCHLD. */
int watch(struct report *report, pid_t child, unsigned limit_ms);

/* proof.c: what the threads of the child are doing. */
enum threads_state {
    THREADS_RUN,
    THREADS_WAIT,      /* all of them, no matter for what */
    THREADS_STOPPED,   /* at least one, by a signal or a debugger */
    THREADS_DEADLOCKED /* all of them wait for each other: nothing can end that */
};

struct proof;
/* NULL without memory; then no hang can be proven. */
struct proof *proof_new(void);
void proof_delete(struct proof *proof);
/* Looks at the child's threads once more. Sets soon if the next look may prove a hang, or find out
 * that there is none: after the first look, and while nothing changes. */
enum threads_state proof_look(struct proof *proof, const struct report *report, pid_t child,
                              bool *soon);
/* The child has made progress: earlier looks prove nothing. */
void proof_forget(struct proof *proof);
/* In the child: from now on, what models tell is written into report. */
void proof_watch_models(struct report *report);
/* Called by models: see models/watched.h. */
void watcher_endless(const char *why);
void watcher_looked(bool first);

/* threads.c: runs act(arg) on each thread of repro_spawn, one after the other. */
void threads_each(struct repro_run *run, void (*act)(void *arg), void *arg);

/* print.c */
void print_human(const struct repro_run *run, enum repro_outcome outcome, bool verbose);
void print_record(const struct repro_run *run, enum repro_outcome outcome);
void print_explanation(void);
void print_description(void);

#endif
