/*
 * repro.h - all that a repro knows of the harness.
 *
 * A repro is one file with one function, the body, and one descriptor named `repro`; the harness
 * supplies main. The body builds a structure inside a phase, keeps it, and uses it in later phases:
 *
 *     static void body(struct repro_run *run)
 *     {
 *         for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
 *             if (!repro_begin(run))   // from the second on, every thread's filler lands here
 *                 return;
 *             ... use what the phase before left ...
 *             repro_check(run);        // did the filler change?
 *             ... make something for the next phase to find ...
 *             repro_end(run);
 *         }
 *     }
 *
 * What the body allocates for its victim comes from zk_malloc and its kin; nothing else may. The
 * body never writes to the filler, and never decides the outcome: it reports what it saw.
 */
#ifndef REPRO_H
#define REPRO_H

#include "zkalloc.h"

#include <stdbool.h>
#include <stddef.h>

/* A named set of mitigations: a column of the matrix. */
enum repro_profile {
    REPRO_NONE,
    REPRO_FLUSH,
    REPRO_ROUTE,
    REPRO_SEED,
    REPRO_PINNED,
    REPRO_SYSTEM,
    REPRO_PROFILES
};

/* What one run showed. Bits, so that a descriptor can allow several. */
enum repro_outcome {
    REPRO_CLEAN = 1 << 0,   /* nothing retained in recycled memory, nothing wrong */
    REPRO_LATENT = 1 << 1,  /* retained in recycled memory, and no harm seen: unsafe by luck */
    REPRO_STALE = 1 << 2,   /* the trap caught an access to recycled memory */
    REPRO_CORRUPT = 1 << 3, /* data differs from what was written */
    REPRO_CRASH = 1 << 4,   /* died of a signal */
    REPRO_HANG = 1 << 5,    /* proven never to end, or no progress within the time limit */
    REPRO_REFUSED = 1 << 6, /* the contract refused the call */
    REPRO_SKIP = 1 << 7,    /* cannot run here */
};

/* A row of findings.tsv that this repro proves. */
struct repro_finding {
    const char *id;
    const char *category;
    const char *description;     /* one line */
    const char *severity;        /* critical, high, medium, low, info */
    const char *fix_status;      /* one line: what closes it */
    enum repro_profile shown_in; /* the profile that shows it ... */
    unsigned shown_by;           /* ... by these outcomes; 0: by harm */
    const char *arguments;       /* of the variant that shows it; NULL: as the repro is */
};

/* A command line option of one repro: --name N, or --name WORD where words are given; or where most is
 * 0 and there are no words, a flag: --name, and its value is then 1. */
struct repro_option {
    const char *name;
    const char *meaning;
    unsigned long initial;
    unsigned long least;
    unsigned long most;
    const char *const *words; /* ended by NULL; the value is the index. Or NULL: a number */
    const char *counts; /* what it is a number of, for zk-sweep --for: "threads" (of the machine:
                               * one for each processor), "spans". Or NULL: its own name */
};

/* The bound that a structure's layout gives: the smallest MIN_BYTES at which none of what it retains
 * is in recycled memory (the largest block that profile route retains in the arena, and 1), for any
 * value of the options. zk-sweep --laws measures it at each of the values named here. */
struct repro_law {
    /* "max(2304, 128 * pool_threads) + 1": of numbers; this repro's options (- written as _), threads,
     * processors and page_bytes; + - * / (rounded down) and parentheses; max(a, b), min(a, b),
     * pow2_at_least(x) and pow2_above(x). */
    const char *formula;
    const char *source; /* one line: which field of which structure gives which term */
    /* Arguments at which it is checked, ended by NULL: values on both sides of each step. "" for none. */
    const char *const *at;
    const char *arguments; /* with which it holds and is checked: "--crates 2026"; NULL: none */
    const struct repro_law *next; /* the law with other arguments, or NULL */
};

/* The same program with other arguments, and what to expect then. */
struct repro_variant {
    const char *arguments; /* separated by single spaces */
    unsigned expect[REPRO_PROFILES];
};

/* What fills, unless the descriptor or the body says otherwise. Each byte has its lowest bit clear,
 * so that setting a flag shows; is no multiple of 8, so that the first byte of any aligned pointer
 * shows; and is not 0, so that the last two bytes of any pointer show. */
#define REPRO_FILLER 0xAAAAAAAAAAAAAAAAu

/* Most threads that --threads can say: beside the main one, each of them can take part in phases. */
enum { REPRO_THREADS_MAX = 255 };

/* Most threads, with the main one, that can take part in phases: a body may have some for each
 * processor of the machine. */
enum { REPRO_TEAM_MAX = 4096 };

/* A run of bytes that the structure damages, in the fillers or in what repro_check_bytes compares. */
struct repro_damage {
    size_t offset;
    size_t bytes;
    size_t known;           /* of its last bytes, what they are then: so many ... */
    unsigned char last[16]; /* ... and these */
};

enum { REPRO_DAMAGE_MAX = 512 };
#define REPRO_UNDETERMINED ((size_t)-1)

struct repro_run;

struct repro {
    const char *id;       /* R1, R2, ... */
    const char *slug;     /* the name of the file, and of the program */
    const char *class;    /* of bugs: a few words */
    const char *title;    /* one line */
    const char *seed;     /* the findings that it reproduces, or "-" */
    const char *severity; /* critical, high, medium, low */
    const char *claim;    /* what is said of its smallest safe MIN_BYTES, or NULL: "520 bytes" */
    const char *explain;  /* some twenty lines */
    void (*body)(struct repro_run *run);
    unsigned expect[REPRO_PROFILES]; /* outcomes */
    /* Outcomes, where they depend on the machine (its pages, its processors); or NULL: expect. */
    unsigned (*expect_here)(enum repro_profile profile);
    /* What --expect declared wants each cycle of a corrupt run to have damaged, from what the source says of the
     * structure: puts the runs into runs, which has room for REPRO_DAMAGE_MAX, in the order of fillers by address and
     * of offsets, and returns how many. REPRO_UNDETERMINED where it is not known: with other options. Or NULL. */
    size_t (*damage)(const struct repro_run *run, unsigned cycle, struct repro_damage *runs);
    unsigned cycles;                      /* unless --cycles says otherwise; 0 is 10 */
    unsigned threads;                     /* unless --threads says otherwise; 0 is 2 */
    const char *at_length;                /* arguments for make stress, or NULL */
    uint64_t filler;                      /* the word that fills; 0 is REPRO_FILLER */
    size_t slab_bytes;                    /* if it needs slabs of a certain size; 0 if not */
    const struct repro_variant *variants; /* ended by NULL arguments, or NULL */
    const struct repro_option *options;   /* ended by a NULL name, or NULL */
    const struct repro_finding *findings; /* ended by a NULL id, or NULL */
    const struct repro_law *law;          /* of its guaranteed bound, or NULL */
};

extern const struct repro repro;

/* ---- In the body: on the main thread, but for repro_wrong and repro_check_bytes ---- */

/* Phase boundaries to cross. */
unsigned repro_cycles(const struct repro_run *run);

/* Threads that the structure should have, where it has a choice. */
unsigned repro_threads(const struct repro_run *run);

/* The value of an option of this repro. */
unsigned long repro_option(const struct repro_run *run, const char *name);

/* A size for the program's own data, as opposed to a library's: usual, or MIN_BYTES where that is
 * more. Large blocks are what an arena is for: no threshold routes them away and leaves it of use.
 */
size_t repro_user_bytes(const struct repro_run *run, size_t usual);

/* Starts a cycle, in a body whose cycles are more, or less, than one boundary: from the first call
 * on the body counts cycles, not the harness boundaries. */
void repro_cycle(struct repro_run *run);

/* Notes what the begin that the body has just made itself found retained. No filler is placed. */
void repro_note_retained(struct repro_run *run);

/* Begins a phase. From the second one on, every thread that took part in the phase before (this
 * one, and the team) then allocates and fills a block that covers what it used in that phase. False
 * when the begin was refused, which is the outcome then: the body should return. */
bool repro_begin(struct repro_run *run);

/* The same through zk_phase: runs work(arg) in a phase that ends however work is left through the
 * escape API. Checks the fillers when work returns. False when the begin was refused. */
bool repro_phase(struct repro_run *run, void (*work)(void *arg), void *arg);

/* Checks the fillers if repro_check was not called in this phase, then ends the phase. */
void repro_end(struct repro_run *run);

/* Compares every filler of this phase with what was written, once; records every damaged run of
 * bytes. Damage with fewer than 8 intact bytes in between is one run: bytes of a pointer may equal
 * the filler by chance, but not the upper two, which are 0. */
void repro_check(struct repro_run *run);

/* The owner of the fillers writes them again, as a phase goes on writing its own data. For after
 * repro_check. */
void repro_refill(struct repro_run *run);

/* Compares data[0 .. bytes) with a byte; differences count as corruption of this cycle. what: a
 * word or two for the report. True when all are equal. Any thread. */
bool repro_check_bytes(struct repro_run *run, const char *what, const void *data,
                       unsigned char byte, size_t bytes);

/* From the next phase on, fill with this word instead. */
void repro_fill_with(struct repro_run *run, uint64_t word);

/* The contract refused a call (errno says why) that the body made itself: that is the outcome. */
void repro_refused(struct repro_run *run, const char *what);

/* Something in the victim is not what was put there: the cycle is corrupt. The text is for the
 * report: no addresses, no times. Any thread. */
__attribute__((format(printf, 2, 3))) void repro_wrong(struct repro_run *run, const char *format,
                                                       ...);

/* For the report, whatever the outcome. */
__attribute__((format(printf, 2, 3))) void repro_note(struct repro_run *run, const char *format,
                                                      ...);

/* This cannot run here: ends the process. */
__attribute__((format(printf, 2, 3), noreturn)) void repro_skip(struct repro_run *run,
                                                                const char *format, ...);

/* Tells that the body is getting on, where a phase of it takes long. Any thread. */
void repro_progress(struct repro_run *run);

/* A thread of the repro's own, which does one thing at a time when told, and takes part in phases.
 */
struct repro_thread;
struct repro_thread *repro_spawn(struct repro_run *run);

/* Runs act(arg) on the thread, and returns when it has. */
void repro_on(struct repro_thread *thread, void (*act)(void *arg), void *arg);

/* Ends the thread. */
void repro_join(struct repro_run *run, struct repro_thread *thread);

/* Names the threads, other than this one and those of repro_spawn, that take part in phases. reach
 * must run act(arg) once on each of them and return when all have. */
void repro_team(struct repro_run *run, void (*reach)(void *team, void (*act)(void *arg), void *arg),
                void *team);

/* Under profile flush, drain(arg) runs at the end of each phase; under the others never. */
void repro_on_flush(struct repro_run *run, void (*drain)(void *arg), void *arg);

#endif
