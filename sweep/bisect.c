/*
 * bisect.c - the observed bound, to the byte: the smallest MIN_BYTES at which profile route shows
 * no harm.
 *
 * The filler makes outcomes monotone in MIN_BYTES: harm up to some size, none from there on. The
 * runs of the grid narrow the interval; then every repro has one probe under way at a time.
 */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>

struct search {
    struct plan *plan;
    struct bound *bounds; /* one per entry */
    long *low;            /* harm here, or -1 */
    long *high;           /* no harm here */
};

bool outcome_is_harm(const char *outcome)
{
    return word_in("stale,corrupt,crash,hang", outcome);
}

static void learn(struct search *search, const struct run *run)
{
    long min_bytes = atol(run->fields[FIELD_MIN_BYTES]);
    long *low = &search->low[run->entry];
    long *high = &search->high[run->entry];

    if (run->profile != ROUTE)
        return;
    if (outcome_is_harm(run->fields[FIELD_OUTCOME])) {
        if (min_bytes > *low)
            *low = min_bytes;
    } else if (min_bytes < *high) {
        *high = min_bytes;
    }
}

/* The next probe for an entry, or the end of its search. */
static void step(struct search *search, size_t entry)
{
    struct level *bound = &search->bounds[entry].observed;
    long low = search->low[entry];
    long high = search->high[entry];

    if (low >= BOUND_MOST) {
        *bound = (struct level){.measured = true, .none = true};
    } else if (high > BOUND_MOST) {
        plan_add(search->plan, entry, ROUTE, low < 0 ? 0 : BOUND_MOST, true);
    } else if (low >= high) {
        die(3, "outcomes are not monotone: harm at MIN_BYTES %ld, none at %ld", low, high);
    } else if (high - low <= 1) {
        *bound = (struct level){.measured = true, .min_bytes = high};
    } else {
        plan_add(search->plan, entry, ROUTE, low + (high - low) / 2, true);
    }
}

static void probe_ended(void *arg, struct run *run)
{
    struct search *search = arg;

    learn(search, run);
    step(search, run->entry);
}

bool bisect(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
            struct bound *bounds)
{
    struct search search = {.plan = plan,
                            .bounds = bounds,
                            .low = need(calloc(catalogue->count, sizeof(long))),
                            .high = need(calloc(catalogue->count, sizeof(long)))};
    size_t known = plan->count;
    bool whole;

    for (size_t i = 0; i < catalogue->count; i++) {
        search.low[i] = -1;
        search.high[i] = BOUND_MOST + 1;
    }
    for (size_t i = 0; i < known; i++)
        learn(&search, plan->runs[i]);
    for (size_t entry = 0; entry < catalogue->count; entry++)
        if (entry % options->shards == options->shard - 1)
            step(&search, entry);
    whole = runner_run(plan, catalogue, options, probe_ended, &search);
    free(search.low);
    free(search.high);
    return whole;
}
