/*
 * tamper.h - tampered proofs: does the verifier reject each?
 */
#ifndef TAMPER_H
#define TAMPER_H

#include "workload.h"

struct tamper {
    unsigned tried;
    unsigned rejected;
    /* The same verifier still accepts the proof itself; also true when nothing was tried. */
    bool untouched;
    char accepted[80]; /* what was done to the first one that was not rejected */
};

/* Tampers with a proof of statement `index` that verifies: `count` copies with a flipped bit or a
 * missing end, and three more: an empty proof, one byte too many, and the proof itself for the next
 * statement. None with a count of 0. Outside of phases. */
struct tamper tamper_with(const struct workload *workload, const void *state, uint64_t index,
                          const struct workload_proof *proof, unsigned count, uint64_t seed);

#endif
