/*
 * workload.h - what the prover programs share: the command line, the phases, the steps with their spans, the
 * loop prove - verify - tamper, and the report.
 *
 * A prover is a plain malloc/free program. It has phases only if the allocator does: zk_begin_phase
 * and zk_end_phase are weak here, so the same program runs on any allocator that LD_PRELOAD names.
 * It frees what it allocates. What outlives a phase is copied out of it.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "checks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workload_options {
    unsigned iterations; /* proofs to make; the first is warm-up, and timed separately */
    /* Its meaning depends on the workload; each step about doubles memory and time. */
    unsigned log_size;
    unsigned threads; /* of OpenMP */
    unsigned spans;   /* opened in each step, one inside the other; 0 for none */
    uint64_t seed;    /* of the statements and of the tampering */
    bool late_team;   /* let libgomp make its threads inside the first phase */
    bool phases;      /* does a proof begin phases? (--phases off: never) */
    struct weakening
        weakening; /* of the protocol: for bench/soundness; none in all other programs */
};

/* A proof as the verifier gets it: bytes in a block of malloc that was allocated outside of
 * phases. */
struct workload_proof {
    uint8_t *data;
    size_t bytes;
};

/* A workload: one in each program, in the order in which its functions are called. */
struct workload {
    const char *name;
    const char *summary;     /* one line for --help */
    unsigned log_size;       /* the default: about a second for the default number of iterations */
    unsigned log_size_least; /* from ... */
    unsigned log_size_most;  /* ... to */

    /* Called before the first phase: makes everything that lives as long as the process (twiddle
     * factors, keys). */
    void *(*set_up)(const struct workload_options *options);

    /* Makes proof number `index` (the statement depends on the seed and on index), in one phase or several
     * between workload_begin and workload_end. Only these are timed. */
    struct workload_proof (*prove)(void *state, uint64_t index);

    /* Is this a proof of statement `index`? It may be any bytes: the verifier must neither crash
     * nor read outside of them. No phase is active. */
    bool (*verify)(const void *state, uint64_t index, const uint8_t *proof, size_t bytes);

    /* Is the proof's claim true? Decided by computing it, whatever the verifier says. A number that
     * differs from the computed one is false, even if it is the same modulo p. Outside of
     * phases. */
    bool (*is_true)(const void *state, uint64_t index, const uint8_t *proof, size_t bytes);

    void (*tear_down)(void *state);
};

/* What main returns. Exit status: 0 every proof verified and every tampered one was rejected; 1 not so; 2
 * usage; 3 no memory; 4 the span registry panicked (where a Rust program would have). */
int workload_main(const struct workload *workload, int argc, char **argv);

/* To be called around each phase of a proof: begins and ends a phase of the arena, if there is one,
 * and its timing. */
void workload_begin(void);
void workload_end(void);

/* To be called around each step, inside of a phase, on the main thread: opens and closes --spans
 * spans on the model of a span registry, as instrumented provers do. Steps nest. step is a
 * literal. */
void workload_enter(const char *step);
void workload_leave(void);

/* malloc, counted for the report. Does not return NULL: without memory the program prints that and
 * exits with 3. The caller frees it with free(). Any thread. bytes is not 0. */
void *workload_alloc(size_t bytes);

/* The same, zeroed (calloc). */
void *workload_zeroed(size_t bytes);

/* The next number of a sequence that depends on *state only (splitmix64). */
uint64_t workload_random(uint64_t *state);

#endif
