/*
 * repro.h - the harness, as a repro sees it.
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
    REPRO_CLEAN = 1 << 0,  /* retains nothing in recycled memory, and nothing is wrong */
    REPRO_LATENT = 1 << 1, /* retains blocks in recycled memory, but no harm was seen: only lucky */
    REPRO_STALE = 1 << 2,  /* the trap caught an access to recycled memory */
    REPRO_CORRUPT = 1 << 3, /* data differs from what was written */
    REPRO_CRASH = 1 << 4,   /* died of a signal */
    REPRO_HANG = 1 << 5,    /* proven never to end, or no progress within the time limit */
    REPRO_REFUSED = 1 << 6, /* the contract refused the call */
    REPRO_SKIP = 1 << 7,    /* cannot run on this machine */
};

/* A row of findings.tsv that this repro proves. */
struct repro_finding {
    const char *id;
    const char *category;
    const char *description;     /* one line */
    const char *severity;        /* critical, high, medium, low, info */
    const char *fix_status;      /* one line: what closes it */
    enum repro_profile shown_in; /* the profile under which it shows ... */
    unsigned shown_by;           /* ... with one of these outcomes; 0: any harm */
    const char *arguments;       /* of the variant that shows it; NULL: no arguments */
};

/* A command line option of one repro. --name WORD if words are given; else --name N; or, if most is
 * 0, a flag: --name alone, which sets the value to 1. */
struct repro_option {
    const char *name;
    const char *meaning;
    unsigned long initial;
    unsigned long least;
    unsigned long most;
    const char *const *words; /* ended by NULL; the value is the index. Or NULL: a number */
    /* For zk-sweep --for, what the number counts: "threads" (without --for, one per processor),
     * "spans". NULL: what its own name says. */
    const char *counts;
};

/* The bound that a structure's layout gives: the smallest MIN_BYTES at which none of what it
 * retains is in recycled memory, for any value of the options. It is one byte more than the largest
 * block that profile route retains in the arena. zk-sweep --laws measures it with each of the
 * arguments named here. */
struct repro_law {
    /* "max(2304, 128 * pool_threads) + 1": made of numbers; the names of this repro's options (-
     * written as _), threads, processors and page_bytes; + - * / (rounded down) and parentheses;
     * max(a, b), min(a, b), pow2_at_least(x) and pow2_above(x). */
    const char *formula;
    const char *source; /* one line: which field of which structure gives which term */
    /* Arguments at which it is checked, ended by NULL: values on both sides of each step. "" for none. */
    const char *const *at;
    const char *arguments; /* arguments that the law presupposes: "--crates 2026"; NULL: none */
    const struct repro_law *next; /* the law for other arguments, or NULL */
};

/* The same program with other arguments, and what to expect then. */
struct repro_variant {
    const char *arguments; /* separated by single spaces */
    unsigned expect[REPRO_PROFILES];
};

/* The word that fills, unless the descriptor or the body names another. The usual writes over it
 * show: its bytes have the lowest bit clear, so a flag that is set shows; they are not multiples of
 * 8, so the first byte of an aligned pointer differs; and they are not 0, so the last two bytes of
 * a pointer differ. */
#define REPRO_FILLER 0xAAAAAAAAAAAAAAAAu

/* The largest value of --threads. The main thread is not counted; all of them can take part in
 * phases. */
enum { REPRO_THREADS_MAX = 255 };

/* The most threads that can take part in phases, with the main one: a body may start several for
 * each processor of the machine. */
enum { REPRO_TEAM_MAX = 4096 };

/* A run of consecutive bytes that the structure damages, in the fillers or in data that
 * repro_check_bytes compares. */
struct repro_damage {
    size_t offset;
    size_t bytes;
    size_t known;           /* how many of its last bytes hold known values then ... */
    unsigned char last[16]; /* ... and these values */
};

enum { REPRO_DAMAGE_MAX = 512 };
#define REPRO_UNDETERMINED ((size_t)-1)

struct repro_run;

struct repro {
    const char *id;       /* R1, R2, ... */
    const char *slug;     /* the name of the file, and of the program */
    const char *class;    /* of bug: a few words */
    const char *title;    /* one line */
    const char *seed;     /* the findings that it reproduces, or "-" */
    const char *severity; /* critical, high, medium, low */
    const char *claim;    /* the bug report's smallest safe MIN_BYTES: "520 bytes"; or NULL */
    const char *explain;  /* some twenty lines */
    void (*body)(struct repro_run *run);
    unsigned expect[REPRO_PROFILES]; /* outcomes */
    /* The expected outcomes, where they depend on the machine (page size, processors). NULL: expect
     * holds. */
    unsigned (*expect_here)(enum repro_profile profile);
    /* The damage that --expect declared demands of each cycle of a corrupt run, derived from the
     * structure's source. Puts it into runs, which has room for REPRO_DAMAGE_MAX, sorted by the
     * address of the filler and then by offset; returns how many there are. REPRO_UNDETERMINED
     * where it is not known, as with other options. NULL: damage is not checked. */
    size_t (*damage)(const struct repro_run *run, unsigned cycle, struct repro_damage *runs);
    unsigned cycles;                      /* without --cycles; 0 stands for 10 */
    unsigned threads;                     /* without --threads; 0 stands for 2 */
    const char *at_length;                /* arguments for make stress, or NULL */
    uint64_t filler;                      /* the word that fills; 0 stands for REPRO_FILLER */
    size_t slab_bytes;                    /* if it needs slabs of a certain size; 0 if not */
    const struct repro_variant *variants; /* ended by NULL arguments, or NULL */
    const struct repro_option *options;   /* ended by a NULL name, or NULL */
    const struct repro_finding *findings; /* ended by a NULL id, or NULL */
    const struct repro_law *law;          /* for its guaranteed bound, or NULL */
};

extern const struct repro repro;

/* ---- For the body; on the main thread only, unless a function says "any thread" ---- */

/* Phase boundaries to cross. */
unsigned repro_cycles(const struct repro_run *run);

/* Threads that the structure should have, where it has a choice. */
unsigned repro_threads(const struct repro_run *run);

/* The value of an option of this repro. */
unsigned long repro_option(const struct repro_run *run, const char *name);

/* A size for the program's own data, as opposed to a library's: usual, or MIN_BYTES where that is
 * more. Large blocks are what an arena is for: a threshold that routed them away would leave it
 * nothing to serve.
 */
size_t repro_user_bytes(const struct repro_run *run, size_t usual);

/* Starts a cycle, in a body whose cycles are longer or shorter than one phase: from the first call
 * on, cycles are counted by these calls and not by boundaries. */
void repro_cycle(struct repro_run *run);

/* Records what was found retained by a begin that the body has just made itself. Places no
 * filler. */
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

/* Writes the fillers again, as a phase goes on writing its own data. To be called after
 * repro_check. */
void repro_refill(struct repro_run *run);

/* Compares data[0 .. bytes) with a byte; differences count as corruption of this cycle. what: a
 * word or two for the report. True when all are equal. Any thread. */
bool repro_check_bytes(struct repro_run *run, const char *what, const void *data,
                       unsigned char byte, size_t bytes);

/* From the next phase on, fill with this word instead. */
void repro_fill_with(struct repro_run *run, uint64_t word);

/* The contract refused a call that the body made itself (errno says why): the outcome is
 * refused. */
void repro_refused(struct repro_run *run, const char *what);

/* Something in the victim is not what was stored there: this cycle is corrupt. The text is for the
 * report: no addresses, no times. Any thread. */
__attribute__((format(printf, 2, 3))) void repro_wrong(struct repro_run *run, const char *format,
                                                       ...);

/* Adds a remark to the report, whatever the outcome. */
__attribute__((format(printf, 2, 3))) void repro_note(struct repro_run *run, const char *format,
                                                      ...);

/* The repro cannot run on this machine: ends the process. */
__attribute__((format(printf, 2, 3), noreturn)) void repro_skip(struct repro_run *run,
                                                                const char *format, ...);

/* Tells the watching parent that the body makes progress, where a phase takes long. Any thread. */
void repro_progress(struct repro_run *run);

/* A thread of the repro, which does one thing at a time when told, and takes part in phases.
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
