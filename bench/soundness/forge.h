/*
 * forge.h - a prover that lies: memory written with bytes that somebody chose who knows all that the prover knows.
 *
 * Accidents do not choose. A wrong trace fails the constraints at a point that was drawn after it, whatever else the
 * verifier leaves out; so accidents alone would never tell a verifier without Merkle paths from a whole one. A lie makes
 * the constraints hold for a false claim, and then one check, or a few, are all that is left to refuse it.
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
    TACTIC_FORESEEN, /* a lie that needs the next challenge, foreseen from what was said before */
    TACTIC_HIDDEN,   /* a lie, and zeros for FRI's word */
    TACTIC_SIBLING, /* a lie, zeros from FRI's second layer on, and in each row that is opened a neighbour such that it
                        * folds to them */
    TACTIC_PLACES,     /* a lie, and one place in place of all those that were drawn */
    TACTIC_NONCE,      /* a lie, and no grinding */
    TACTIC_OTHER_FORM, /* a claim plus the modulus: another number, and the same element */
    TACTICS
};

enum protocol { PROTOCOL_STARK, PROTOCOL_HASHSIG, PROTOCOL_SUMCHECK };

enum { FORGE_WORD_MOST = 1 << 10 }; /* letters of FRI's word */

struct forger {
    enum tactic tactic;
    enum protocol protocol;
    const struct field31 *field;
    unsigned claim; /* which of the claims to lie about, from 0 on */
    unsigned claims_seen;
    uint64_t random;
    bool lying;   /* in the proof, or the part of one, that is being made */
    uint64_t off; /* sumcheck: how far the claim is from the truth */
    struct extension word[FORGE_WORD_MOST]; /* as it was combined */
};

const char *tactic_name(enum tactic tactic);

/* Where in a prover's memory a tactic writes, for the table. */
enum watch_kind tactic_kind(enum tactic tactic, enum protocol protocol);
enum watch_moment tactic_moment(enum tactic tactic, enum protocol protocol);

/* Is there such a lie? */
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
