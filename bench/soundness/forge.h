/*
 * forge.h - a prover that lies: its memory is overwritten with bytes chosen by somebody who knows
 * everything that the prover knows.
 *
 * Accidents do not choose. A wrong trace fails the constraints at a point that was drawn after it, whatever else the
 * verifier leaves out; so accidents alone would never distinguish a verifier without Merkle paths
 * from a complete one. A lie makes the constraints hold for a false claim, and then only one check,
 * or a few, are left to refuse it.
 */
#ifndef SOUNDNESS_FORGE_H
#define SOUNDNESS_FORGE_H

#include "fri.h"
#include "memory.h"

enum tactic {
    TACTIC_NONE, /* an honest prover */
    TACTIC_LIE, /* a false claim, and one value such that the constraints hold, or the rounds' sums; for signatures,
                        * one that is not valid, and the flag that says so */
    TACTIC_TABLE,    /* signatures only: a table whose columns are no polynomials of low degree */
    TACTIC_FORESEEN, /* a lie that uses the next challenge, predicted from the transcript so far */
    TACTIC_HIDDEN,   /* a lie, and zeros for FRI's word */
    TACTIC_SIBLING,  /* a lie, zeros from FRI's second layer on, and in each opened row a neighbour
                     * with which it folds to them */
    TACTIC_PLACES,   /* a lie, and one place in place of all those that were drawn */
    TACTIC_NONCE,    /* a lie, and no grinding */
    TACTIC_OTHER_FORM, /* a claim plus the modulus: another number, and the same element */
    TACTICS
};

enum protocol { PROTOCOL_STARK, PROTOCOL_HASHSIG, PROTOCOL_SUMCHECK };

enum { FORGE_WORD_MOST = 1 << 10 }; /* letters of FRI's word */

struct forger {
    enum tactic tactic;
    enum protocol protocol;
    const struct field31 *field;
    unsigned claim; /* which of the claims to lie about, counted from 0 */
    unsigned claims_seen;
    uint64_t random;
    bool lying;                             /* in the current proof, or part of a proof */
    uint64_t off;                           /* sumcheck: how far the claim is from the truth */
    struct extension word[FORGE_WORD_MOST]; /* as it was combined */
};

const char *tactic_name(enum tactic tactic);

/* The kind of block that a tactic writes to, for the table. */
enum watch_kind tactic_kind(enum tactic tactic, enum protocol protocol);
enum watch_moment tactic_moment(enum tactic tactic, enum protocol protocol);

/* Does the tactic exist for that protocol? */
bool tactic_exists(enum tactic tactic, enum protocol protocol);

/* To be called at each event. */
void forge_event(struct forger *forger, const struct memory *memory, enum watch_moment moment,
                 void *context);

/* ---- The parts, one for each protocol ---- */

void forge_stark(struct forger *forger, const struct memory *memory, enum watch_moment moment,
                 void *context);
void forge_hashsig(struct forger *forger, enum watch_moment moment, void *context);
void forge_sumcheck(struct forger *forger, enum watch_moment moment, void *context);
void forge_fri(struct forger *forger, enum watch_moment moment, void *context);

/* Not 0, below the modulus. */
uint32_t forge_element(struct forger *forger);

#endif
