/*
 * stage.h - a prover, set up at a small size, with its undamaged proof: the bytes, and the blocks
 * that can be damaged. One stage is in use at a time.
 */
#ifndef SOUNDNESS_STAGE_H
#define SOUNDNESS_STAGE_H

#include "forge.h"
#include "workload.h"

enum prover { PROVER_FRI, PROVER_HASHSIG, PROVER_ROUNDS, PROVER_SUMCHECK, PROVERS };

enum {
    STAGE_INDEX = 1, /* the statement that is proven; the previous proof is of the one before it */
    STAGE_TARGETS_MOST = 1 << 14,
    STAGE_MATRICES_MOST = 8
};

/* A block at an event. */
struct stage_target {
    enum watch_kind kind;
    enum watch_moment moment;
    unsigned event;
    unsigned position; /* in the list of blocks */
};

struct stage_matrix {
    uint8_t *bytes;
    size_t count;
};

struct stage {
    enum prover prover;
    enum protocol protocol;
    const struct field31 *field;
    unsigned claims; /* how often a claim is made in a proof */
    const struct workload *workload;
    struct weakening weakening;
    void *state;
    struct memory before; /* blocks that are alive before a proof */
    struct workload_proof undamaged;
    struct stage_matrix
        matrices[STAGE_MATRICES_MOST]; /* traces, extended, as they are committed to */
    size_t matrix_count;
    struct stage_target *targets; /* sorted: by kind, then moment */
    size_t count;
};

const char *prover_name(enum prover prover);

/* Sets a prover up, with a weakened protocol, and makes its undamaged proof. weak: with two queries
 * of FRI, and 30 bits of grinding that are not done: then a lie passes one time in 16 if the nonce
 * is not checked. Exits with 3 if the undamaged proof is not accepted, or not true. */
void stage_set_up(struct stage *stage, enum prover prover, unsigned left_out, bool weak,
                  uint64_t seed);

/* Is this the event at which a trace, extended, is about to be committed to? Then its matrix; NULL otherwise. */
const struct memory_block *stage_matrix_at(const struct stage *stage, const struct memory *memory,
                                           enum watch_moment moment, const void *context);

void stage_tear_down(struct stage *stage);

#endif
