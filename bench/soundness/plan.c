/*
 * plan.c - which damage trial number n has. Of 100, 60 are accidents to an honest prover, 25 are
 * accidents to one that lies, and 15 are lies without an accident. The kind of block is drawn
 * first, then the moment, then the event and the block: so kinds with few bytes are damaged as
 * often as those with many.
 */
#include "trial.h"

#include <string.h>

enum { of_all = 100, honest = 60, lying_and_damaged = 25 };

/* 0 for a limit of 0. */
static size_t below(uint64_t *random, size_t limit)
{
    const uint64_t number = workload_random(random);

    return limit == 0 ? 0 : (size_t)(number % limit);
}

bool trial_is_weak(enum tactic tactic)
{
    return tactic == TACTIC_NONCE;
}

static enum tactic draw_tactic(const struct stage *stage, uint64_t *random)
{
    enum tactic tactic;

    do
        tactic = (enum tactic)(1 + below(random, TACTICS - 1));
    while (!tactic_exists(tactic, stage->protocol));
    return tactic;
}

/* The prover to which an accident happens: honest, or with a tactic. */
static enum tactic draw_base(const struct stage *stage, uint64_t *random)
{
    if (stage->protocol == PROTOCOL_HASHSIG && below(random, 2) == 0)
        return TACTIC_TABLE;
    return TACTIC_LIE;
}

/* Draws one of the values that a field has in the targets first to last - 1; narrows first and last
 * to the targets with that value. */
static void draw_group(const struct stage *stage, size_t *first, size_t *last, bool by_moment,
                       uint64_t *random)
{
    const struct stage_target *targets = stage->targets;
    size_t starts[WATCH_KINDS + WATCH_MOMENTS + 1] = {0}, groups = 0, chosen;

    for (size_t i = *first; i < *last; i++)
        if (i == *first || (by_moment ? targets[i].moment != targets[i - 1].moment
                                      : targets[i].kind != targets[i - 1].kind))
            starts[groups++] = i;
    starts[groups] = *last;
    chosen = below(random, groups);
    *first = starts[chosen];
    *last = starts[chosen + 1];
}

static struct stage_target draw_target(const struct stage *stage, uint64_t *random)
{
    size_t first = 0, last = stage->count;

    draw_group(stage, &first, &last, false, random);
    draw_group(stage, &first, &last, true, random);
    return stage->targets[first + below(random, last - first)];
}

struct trial trial_plan(const struct stage *stage, uint64_t seed, uint64_t n)
{
    uint64_t random = seed;
    struct trial trial = {.prover = stage->prover};
    size_t what;

    random = workload_random(&random) ^ n;
    random = workload_random(&random) + (uint64_t)stage->prover;
    what = below(&random, of_all);
    trial.damaged = what < honest + lying_and_damaged;
    if (what >= honest)
        trial.tactic = trial.damaged ? draw_base(stage, &random) : draw_tactic(stage, &random);
    trial.damage = (enum damage)below(&random, DAMAGES);
    trial.claim = (unsigned)below(&random, stage->claims);
    if (trial.damaged)
        trial.target = draw_target(stage, &random);
    else
        trial.target = (struct stage_target){
            .kind = tactic_kind(trial.tactic, stage->protocol),
            .moment = tactic_moment(trial.tactic, stage->protocol),
        };
    trial.random = workload_random(&random);
    return trial;
}
