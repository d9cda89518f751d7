/*
 * trial.h - one proof whose prover's memory is damaged while it is made, and what became of it.
 */
#ifndef SOUNDNESS_TRIAL_H
#define SOUNDNESS_TRIAL_H

#include "damage.h"
#include "stage.h"

enum outcome {
    OUTCOME_REFUSED,   /* by the verifier */
    OUTCOME_FAILED,    /* no proof: the prover crashed, gave up, or did not end */
    OUTCOME_UNCHANGED, /* the proof is the undamaged one, byte for byte */
    OUTCOME_DIFFERS,   /* another proof, which verifies, and whose claim is true */
    OUTCOME_FALSE,     /* verifies, but the claim is not true */
    OUTCOMES
};

/* Why a proof that differs verifies, as found by examining it. */
enum reason {
    REASON_NONE,
    REASON_UNOPENED, /* it is about the same trace, except for places that no query hit: every row
                      * that it opens is the undamaged one's */
    REASON_UNKNOWN,
    REASONS
};

struct trial {
    enum prover prover;
    enum tactic tactic;
    bool damaged; /* by the target's damage; false: by the tactic alone */
    enum damage damage;
    struct stage_target target;
    unsigned claim;
    uint64_t random;
};

struct verdict {
    uint8_t outcome; /* enum outcome */
    uint8_t reason;  /* enum reason */
};

const char *outcome_name(enum outcome outcome);
const char *reason_name(enum reason reason);

/* Is this tactic tried on the weak stage (stage.h)? */
bool trial_is_weak(enum tactic tactic);

/* Trial number n of a prover, which follows from the seed. */
struct trial trial_plan(const struct stage *stage, uint64_t seed, uint64_t n);

/* Runs the trials, in child processes. If a child dies, its trial has failed. Exits with 3 if no
 * child can be started. */
void trial_run(const struct stage *stage, const struct trial *trials, size_t count,
               struct verdict *verdicts);

/* stages: a prover's normal and weak stage. Runs the prover's trials, each on the stage that it is
 * for. The verdicts of other provers' trials are not changed. */
void trial_run_both(const struct stage stages[2], const struct trial *trials, size_t count,
                    struct verdict *verdicts);

#endif
