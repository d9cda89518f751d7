/*
 * plan.c - which runs a sweep makes: every profile at its own MIN_BYTES, and at every threshold the
 * blind profiles that route by size. Profile none is left out there, since at a threshold it would
 * be the same as route. What a profile's own MIN_BYTES is, only the repro knows; so those runs come
 * first, and the runner need not make one at the same threshold again.
 */
#include "sweep.h"

#include <stdlib.h>

static bool swept(enum profile profile)
{
    return profile == FLUSH || profile == ROUTE || profile == SEED;
}

struct run *plan_add(struct plan *plan, size_t entry, enum profile profile, long min_bytes,
                     bool probe)
{
    struct run *run = need(calloc(1, sizeof *run));

    *run = (struct run){.entry = entry, .profile = profile, .min_bytes = min_bytes, .probe = probe};
    if (plan->count == plan->room) {
        plan->room = plan->room == 0 ? 64 : 2 * plan->room;
        plan->runs = need(reallocarray(plan->runs, plan->room, sizeof(struct run *)));
    }
    plan->runs[plan->count++] = run;
    return run;
}

static bool has_thresholds(const struct options *options, enum profile profile)
{
    return swept(profile) ||
           (options->profile_given && options->thresholds_given && profile != SYSTEM);
}

static void add_at_own(struct plan *plan, size_t entry, const struct options *options)
{
    for (enum profile profile = 0; profile < PROFILES; profile++)
        if (options->profiles[profile])
            plan_add(plan, entry, profile, OWN_MIN_BYTES, false);
}

static void add_at_thresholds(struct plan *plan, size_t entry, const struct options *options)
{
    for (enum profile profile = 0; profile < PROFILES; profile++) {
        if (!options->profiles[profile] || !has_thresholds(options, profile))
            continue;
        for (size_t i = 0; i < options->threshold_count; i++)
            plan_add(plan, entry, profile, options->thresholds[i], false);
    }
}

void plan_grid(struct plan *plan, const struct catalogue *catalogue, const struct options *options)
{
    for (size_t entry = 0; entry < catalogue->count; entry++)
        if (in_shard(options, entry))
            add_at_own(plan, entry, options);
    for (size_t entry = 0; entry < catalogue->count; entry++)
        if (in_shard(options, entry))
            add_at_thresholds(plan, entry, options);
}

void plan_list(const struct plan *plan, const struct catalogue *catalogue)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct run *run = plan->runs[i];

        printf("%s\t%s\t", catalogue->entries[run->entry].slug, profile_names[run->profile]);
        if (run->min_bytes == OWN_MIN_BYTES)
            puts("own");
        else
            printf("%ld\n", run->min_bytes);
    }
}

static void free_run(struct run *run)
{
    free(run->audit_out);
    free(run->arguments);
    free(run);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free_run(plan->runs[i]);
    free(plan->runs);
}
