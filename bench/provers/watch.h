/*
 * watch.h - what a prover tells whoever watches it: which of its blocks are of what kind, and how far it is. Nobody
 * watches but bench/soundness, which damages the blocks while the proof is made; then every call here is one test of
 * a pointer. Only from the main thread, never from inside a loop over elements.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stddef.h>

enum watch_kind {
    WATCH_CLAIM,      /* what is to be proven: public inputs, sums */
    WATCH_WITNESS,    /* what only the prover has, made before the proof: signatures */
    WATCH_TRACE,      /* the execution, as values or as coefficients */
    WATCH_EXTENSION,  /* its values at more points, which are committed to */
    WATCH_MERKLE,     /* a layer of a tree */
    WATCH_QUOTIENT,   /* the constraints' quotient, as values, coefficients or a matrix */
    WATCH_OPENINGS,   /* values outside of the coset; a round's sums */
    WATCH_FOLD,       /* a layer of FRI; tables with variables bound */
    WATCH_TRANSCRIPT, /* its state, and the places that were drawn from it */
    WATCH_PROOF,      /* the bytes written so far */
    WATCH_TABLES,     /* roots of unity: of the process, and read by every proof */
    WATCH_KINDS
};

/* What has just been done. The context is NULL where none is named. */
enum watch_moment {
    WATCH_CLAIMED, /* the claim is known, and not sent; the uint32_t, struct sumcheck_round, or signatures */
    WATCH_EXECUTED,     /* the trace is there */
    WATCH_CHECKED,      /* signatures were checked; struct hashsig_checking */
    WATCH_INTERPOLATED, /* coefficients are there */
    WATCH_EXTENDED,     /* a matrix is there, and not committed to; struct hashsig_table or NULL */
    WATCH_HASHED,       /* one more layer of a tree is there */
    WATCH_DIVIDED,      /* the quotient's values are there */
    WATCH_OPENED, /* values outside are there, and not sent; struct stark_opening or struct sumcheck_round */
    WATCH_COMBINED,  /* FRI's word is there; struct fri */
    WATCH_FOLDED,    /* one more layer of FRI is there, and not committed to; struct fri */
    WATCH_GRINDING,  /* before the search for the nonce; unsigned: how many bits it is to have */
    WATCH_DRAWN,     /* the places to look at were drawn; struct fri_places */
    WATCH_ANSWERING, /* before FRI's layers are opened at a place; struct fri_answer */
    WATCH_WRITTEN,   /* the proof is whole */
    WATCH_MOMENTS
};

struct watcher {
    void (*block)(enum watch_kind kind, void *block, size_t bytes);
    void (*gone)(const void *block);
    void (*moment)(enum watch_moment moment, void *context);
};

/* From now on this one watches; NULL: nobody. Not while a proof is made. */
void watch_set(const struct watcher *watcher);

/* A block is alive and of that kind, until it is freed. One that is said to be alive already changes its kind. */
void watch_block(enum watch_kind kind, void *block, size_t bytes);

/* A block that is not freed, because it is on the stack, is no longer alive. */
void watch_gone(const void *block);

void watch_moment(enum watch_moment moment, void *context);

#endif
