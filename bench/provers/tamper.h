/*
 * tamper.h - proofs with something wrong in them: does the verifier reject each?
 */
#ifndef TAMPER_H
#define TAMPER_H

#include "workload.h"

struct tamper {
    unsigned tried;
    unsigned rejected;
    bool
        untouched; /* the same verifier still accepts the proof itself; also when nothing was tried */
    char accepted[80]; /* what was done to the first one that was not rejected */
};

/* Tampers with a proof of statement `index` that verifies: `count` copies with a flipped bit or a missing end,
 * and three more: nothing at all, one byte too many, and the proof itself for the next statement. With a
 * count of 0 none. Outside of phases. */
struct tamper tamper_with(const struct workload *workload, const void *state, uint64_t index,
                          const struct workload_proof *proof, unsigned count, uint64_t seed);

#endif
