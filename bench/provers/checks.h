/*
 * checks.h - what the verifiers check, by name, so that bench/soundness can leave one out: a search
 * for false proofs that verify means something only if it finds those that a broken verifier
 * accepts.
 *
 * Every other program leaves nothing out: the verifier that is tested there is the same code that
 * is broken here.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stdint.h>

/* One bit each. A verifier that has no such check ignores its bit. */
enum check {
    CHECK_MERKLE_PATH = 1 << 0, /* the path of an opened row leads to the root */
    CHECK_FOLD =
        1 << 1, /* a value is what the layer before it folds to; a round's sum is the claim */
    CHECK_QUERY_INDEX =
        1 << 2, /* the queried places come from the transcript, not from the proof */
    CHECK_TRANSCRIPT =
        1 << 3, /* challenges depend on every message; left out, both sides omit one of them */
    CHECK_DEGREE = 1 << 4,      /* what the last layer folds to is one constant */
    CHECK_CONSTRAINTS = 1 << 5, /* the constraints hold at the point outside */
    CHECK_END =
        1 << 6, /* the claim is bound to what was computed; left out, the protocol does not do so */
    CHECK_GRINDING = 1 << 7,  /* the nonce took work */
    CHECK_CANONICAL = 1 << 8, /* elements are below the modulus; left out, they are reduced */
};

enum { CHECKS = 9 };

/* How a protocol is weaker than the intended one. All 0: not at all. */
struct weakening {
    unsigned left_out;      /* enum check, or-ed */
    unsigned queries;       /* of FRI; 0: as many as usual */
    unsigned grinding_bits; /* with queries: in place of the usual ones */
};

static inline bool left_out(unsigned checks, enum check check)
{
    return (checks & (unsigned)check) != 0;
}

#endif
