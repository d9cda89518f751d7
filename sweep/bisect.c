/*
 * bisect.c - the observed bound, to the byte: the smallest MIN_BYTES at which profile route shows
 * no harm.
 *
 * The filler makes outcomes monotone in MIN_BYTES: harm below some size, none from there on. The
 * sweep's runs at the thresholds narrow the interval. The largest block that the audits saw touched
 * or retained is usually the one that does the harm, so the next probes are at those bounds; the
 * later ones bisect. Each repro has one probe under way at a time. When a run breaks the order, the
 * two runs that contradict each other are made again, alone.
 */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>

struct search {
    struct plan *plan;
    struct bound *bounds; /* one per entry */
};

/* What is known about an entry; NULL where nothing is known. */
struct known {
    struct run *harmed;   /* the harmed run at the largest MIN_BYTES */
    struct run *unharmed; /* the unharmed run at the smallest */
    bool waiting;         /* for a run that is made again */
    bool skipped;         /* it cannot run on this machine */
};

bool outcome_is_harm(const char *outcome)
{
    return word_in("stale,corrupt,crash,hang", outcome);
}

static long min_bytes_of(const struct run *run)
{
    return atol(run->fields[FIELD_MIN_BYTES]);
}

static struct known look(const struct plan *plan, size_t entry)
{
    struct known known = {0};

    for (size_t i = 0; i < plan->count; i++) {
        struct run *run = plan->runs[i];

        if (run->entry != entry || run->profile != ROUTE || run->audit != NO_AUDIT)
            continue;
        if (!run->done)
            known.waiting = true;
        else if (strcmp(run->fields[FIELD_OUTCOME], "skip") == 0)
            known.skipped = true;
        else if (!outcome_is_harm(run->fields[FIELD_OUTCOME])) {
            if (known.unharmed == NULL || min_bytes_of(run) < min_bytes_of(known.unharmed))
                known.unharmed = run;
        } else if (known.harmed == NULL || min_bytes_of(run) > min_bytes_of(known.harmed)) {
            known.harmed = run;
        }
    }
    return known;
}

/* The next MIN_BYTES to try, between low, which shows harm, and high, which shows none. */
static long next_probe(const struct bound *bound, long low, long high)
{
    const struct level *levels[2] = {&bound->touched, &bound->guaranteed};

    for (size_t i = 0; i < 2; i++) {
        long level = levels[i]->min_bytes;

        if (!levels[i]->measured || levels[i]->none)
            continue;
        if (low < level && level < high)
            return level; /* probably no harm */
        if (low < level - 1 && level == high)
            return level - 1; /* probably harm */
    }
    return low + (high - low) / 2;
}

/* There is harm at a MIN_BYTES above one without: makes both runs again, or gives up. */
static void doubt(struct bound *bound, struct run *harmed, struct run *unharmed)
{
    if (harmed->alone && unharmed->alone) {
        bound->not_monotone = true;
        bound->harmed = min_bytes_of(harmed);
        bound->unharmed = min_bytes_of(unharmed);
        return;
    }
    if (!harmed->alone)
        runner_again(harmed);
    if (!unharmed->alone)
        runner_again(unharmed);
}

/* The next probe for an entry, or the end of its search. */
static void step(struct search *search, size_t entry)
{
    struct bound *bound = &search->bounds[entry];
    struct known known = look(search->plan, entry);
    long low = known.harmed != NULL ? min_bytes_of(known.harmed) : -1;
    long high = known.unharmed != NULL ? min_bytes_of(known.unharmed) : BOUND_MOST + 1;

    if (known.waiting || known.skipped)
        return;
    if (known.harmed != NULL && known.unharmed != NULL && low >= high) {
        doubt(bound, known.harmed, known.unharmed);
    } else if (low >= BOUND_MOST) {
        bound->observed = (struct level){.measured = true, .none = true};
    } else if (high > BOUND_MOST) {
        plan_add(search->plan, entry, ROUTE, low < 0 ? 0 : BOUND_MOST, true);
    } else if (high - low <= 1) {
        bound->observed = (struct level){.measured = true, .min_bytes = high};
    } else {
        plan_add(search->plan, entry, ROUTE, next_probe(bound, low, high), true);
    }
}

static void probe_ended(void *arg, struct run *run)
{
    struct search *search = arg;

    step(search, run->entry);
}

bool bisect(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
            struct bound *bounds)
{
    struct search search = {.plan = plan, .bounds = bounds};

    for (size_t entry = 0; entry < catalogue->count; entry++)
        if (in_shard(options, entry))
            step(&search, entry);
    return runner_run(plan, catalogue, options, probe_ended, &search);
}
