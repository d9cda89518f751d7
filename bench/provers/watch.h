/*
 * watch.h - what a prover reports to a watcher: the kinds of its blocks, and how far it is. Only
 * bench/soundness watches, and damages the blocks while the proof is made; in all other programs
 * each call here is just a test of a pointer. To be called only on the main thread, and not inside
 * of loops over elements.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stddef.h>

enum watch_kind {
    WATCH_CLAIM,      /* the statement: public inputs, sums */
    WATCH_WITNESS,    /* the prover's input, made before the proof: signatures */
    WATCH_TRACE,      /* the execution, as values or as coefficients */
    WATCH_EXTENSION,  /* its values at more points, which are committed to */
    WATCH_MERKLE,     /* a layer of a tree */
    WATCH_QUOTIENT,   /* the constraints' quotient, as values, coefficients or a matrix */
    WATCH_OPENINGS,   /* values outside of the coset; a round's sums */
    WATCH_FOLD,       /* a layer of FRI; tables with variables bound */
    WATCH_TRANSCRIPT, /* its state, and the places that were drawn from it */
    WATCH_PROOF,      /* the bytes written so far */
    WATCH_TABLES, /* roots of unity, which live as long as the process and which every proof reads */
    WATCH_KINDS
};

/* What has just been done, and the type of the context, which is NULL if none is named. */
enum watch_moment {
    WATCH_CLAIMED,  /* claim known but not sent; uint32_t, struct sumcheck_round, or signatures */
    WATCH_EXECUTED, /* the trace exists */
    WATCH_CHECKED,  /* signatures were checked; struct hashsig_checking */
    WATCH_INTERPOLATED, /* coefficients exist */
    WATCH_EXTENDED,     /* a matrix exists, but is not committed to; struct hashsig_table or NULL */
    WATCH_HASHED,       /* one more layer of a tree exists */
    WATCH_DIVIDED,      /* the quotient's values exist */
    WATCH_OPENED,    /* values outside known but not sent; struct stark_opening or sumcheck_round */
    WATCH_COMBINED,  /* FRI's word exists; struct fri */
    WATCH_FOLDED,    /* one more layer of FRI exists, but is not committed to; struct fri */
    WATCH_GRINDING,  /* before the search for the nonce; unsigned: the number of its bits */
    WATCH_DRAWN,     /* the places to query were drawn; struct fri_places */
    WATCH_ANSWERING, /* before FRI's layers are opened at a place; struct fri_answer */
    WATCH_WRITTEN,   /* the proof is complete */
    WATCH_MOMENTS
};

struct watcher {
    void (*block)(enum watch_kind kind, void *block, size_t bytes);
    void (*gone)(const void *block);
    void (*moment)(enum watch_moment moment, void *context);
};

/* Sets the watcher; NULL: none. Not to be called while a proof is made. */
void watch_set(const struct watcher *watcher);

/* The block is live and of that kind until it is freed. If it was already reported, its kind
 * changes. */
void watch_block(enum watch_kind kind, void *block, size_t bytes);

/* A block that is not freed, because it is on the stack, is no longer alive. */
void watch_gone(const void *block);

void watch_moment(enum watch_moment moment, void *context);

#endif
