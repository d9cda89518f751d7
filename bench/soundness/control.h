/*
 * control.h - the positive controls: verifiers that leave one check out. The campaign must find
 * false proofs that such a verifier accepts; otherwise it could not find any.
 */
#ifndef SOUNDNESS_CONTROL_H
#define SOUNDNESS_CONTROL_H

#include "trial.h"

enum {
    CONTROL_TRIES = 20000,
    CONTROL_ACCIDENTS = 2000,
    CONTROLS_MOST = 2 * PROVERS * CHECKS,
};

struct control {
    enum prover prover;
    unsigned check; /* a bit of enum check */
    bool accidents; /* only accidents to an honest prover; they may fail to find one */
    bool run;       /* is the rest known? */
    unsigned
        tried; /* damaged proofs up to the first false one that was accepted, or all that were tried */
    bool found;
    struct trial finder; /* what found it */
};

/* Fills in all controls; returns how many there are. Their order does not change. */
unsigned control_list(struct control controls[CONTROLS_MOST]);

const char *control_check_name(unsigned check);

/* Runs the campaign's trials on the broken verifier, from the first one on, until a false proof is
 * accepted or `tries` were made (at most CONTROL_ACCIDENTS for accidents). The complete verifier
 * must refuse that proof; if not, prints that and exits with 1. */
void control_run(struct control *control, uint64_t seed, unsigned tries);

#endif
