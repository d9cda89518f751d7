/*
 * forge_sumcheck.c - a false sum, and rounds that follow from it, so that only the factors' values
 * can reveal it.
 */
#include "forge.h"

#include "mersenne61.h"
#include "sumcheck.h"
#include "workload.h"

static void claim(struct forger *forger, const struct sumcheck_round *round)
{
    const uint64_t sum = sumcheck_get(round->claim);

    if (forger->claims_seen++ != forger->claim)
        return;
    if (forger->tactic == TACTIC_OTHER_FORM) {
        sumcheck_put(round->claim, sum + M61_P);
        return;
    }
    forger->off = 1 + workload_random(&forger->random) % (M61_P - 1);
    sumcheck_put(round->claim, m61_add(sum, forger->off));
}

/* Adds half of the claim's error to each of p(0) and p(1), as a constant: so p is wrong by that
 * half everywhere. */
static void add_constant(struct forger *forger, uint64_t *sums)
{
    forger->off = m61_multiply(forger->off, m61_inverse(2));
    for (unsigned i = 0; i < SUMCHECK_POINTS; i++)
        sums[i] = m61_add(sums[i], forger->off);
}

/* The line off * (x - r) / (1 - 2r): it sums to off over 0 and 1, and is 0 at r, which is the next
 * challenge if that can be predicted before the round is sent. */
static void add_line(struct forger *forger, const struct sumcheck_round *round)
{
    struct transcript transcript = *round->transcript;
    const uint64_t r = sumcheck_challenge(&transcript);
    const uint64_t slope = m61_multiply(forger->off, m61_inverse(m61_subtract(1, m61_add(r, r))));

    for (unsigned x = 0; x < SUMCHECK_POINTS; x++)
        round->sums[x] = m61_add(round->sums[x], m61_multiply(slope, m61_subtract(x, r)));
    forger->off = 0;
}

/* Changes one factor so that the product is what the rounds lead to. */
static void fit(struct forger *forger, uint64_t *factors)
{
    const uint64_t others = m61_multiply(factors[1], factors[2]);

    factors[0] = m61_add(factors[0], m61_multiply(forger->off, m61_inverse(others)));
    forger->off = 0;
}

void forge_sumcheck(struct forger *forger, enum watch_moment moment, void *context)
{
    const struct sumcheck_round *round = context;

    if (moment == WATCH_CLAIMED)
        claim(forger, round);
    if (moment != WATCH_OPENED || forger->off == 0)
        return;
    if (round->factors != NULL)
        fit(forger, round->factors);
    else if (forger->tactic == TACTIC_FORESEEN)
        add_line(forger, round);
    else
        add_constant(forger, round->sums);
}
