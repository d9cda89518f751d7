/*
 * control.c - runs the campaign against a verifier without one of its checks.
 */
#include "control.h"

#include <stdio.h>
#include <stdlib.h>

enum { batch = 50 };

static bool exists(unsigned check, enum prover prover)
{
    switch (prover) {
    case PROVER_SUMCHECK:
        return (check & (CHECK_FOLD | CHECK_TRANSCRIPT | CHECK_END | CHECK_CANONICAL)) != 0;
    case PROVER_HASHSIG: /* has no constraints, and claims no number */
        return (check & (CHECK_CONSTRAINTS | CHECK_CANONICAL)) == 0;
    default:
        return true;
    }
}

unsigned control_list(struct control controls[CONTROLS_MOST])
{
    unsigned count = 0;

    for (unsigned i = 0; i < CONTROLS_MOST; i++) {
        const struct control control = {
            .prover = (enum prover)(i / CHECKS % PROVERS),
            .check = 1U << i % CHECKS,
            .accidents = i >= PROVERS * CHECKS,
        };

        if (exists(control.check, control.prover))
            controls[count++] = control;
    }
    return count;
}

const char *control_check_name(unsigned check)
{
    static const char *const names[CHECKS] = {
        "merkle-path", "fold", "query-index", "transcript", "degree",
        "constraints", "end",  "grinding",    "canonical",
    };

    return names[__builtin_ctz(check)];
}

/* The next trial, from number *n on, that suits the control. */
static struct trial next_trial(const struct control *control, const struct stage *stage,
                               uint64_t seed, uint64_t *n)
{
    struct trial trial;

    do
        trial = trial_plan(stage, seed, (*n)++);
    while (control->accidents && trial.tactic != TACTIC_NONE);
    return trial;
}

/* Runs the same trial on the verifier that leaves nothing out. If that accepts something false,
 * nothing else matters. */
static void try_whole(const struct trial *trial, uint64_t seed)
{
    struct verdict verdict;
    struct stage stage;

    stage_set_up(&stage, trial->prover, 0, trial_is_weak(trial->tactic), seed);
    trial_run(&stage, trial, 1, &verdict);
    stage_tear_down(&stage);
    if (verdict.outcome != OUTCOME_FALSE)
        return;
    fprintf(
        stderr, "soundness: %s: THE WHOLE VERIFIER ACCEPTS A FALSE PROOF: seed %llu, random %llx\n",
        prover_name(trial->prover), (unsigned long long)seed, (unsigned long long)trial->random);
    exit(1);
}

void control_run(struct control *control, uint64_t seed, unsigned tries)
{
    const unsigned limit =
        control->accidents && tries > CONTROL_ACCIDENTS ? CONTROL_ACCIDENTS : tries;
    struct stage stages[2];
    uint64_t n = 0;

    for (unsigned weak = 0; weak < 2; weak++)
        stage_set_up(&stages[weak], control->prover, control->check, weak == 1, seed);
    control->run = true;
    while (control->tried < limit && !control->found) {
        struct trial trials[batch];
        struct verdict verdicts[batch];

        for (unsigned i = 0; i < batch; i++)
            trials[i] = next_trial(control, &stages[0], seed, &n);
        trial_run_both(stages, trials, batch, verdicts);
        for (unsigned i = 0; i < batch && control->tried < limit && !control->found; i++) {
            control->tried++;
            control->found = verdicts[i].outcome == OUTCOME_FALSE;
            control->finder = trials[i];
        }
    }
    stage_tear_down(&stages[0]);
    stage_tear_down(&stages[1]);
    if (control->found)
        try_whole(&control->finder, seed);
}
