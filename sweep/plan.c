/*
 * plan.c - which runs a sweep makes: every profile at its own MIN_BYTES, and at every threshold the
 * blind profiles that route by size. Profile none is left out there, since at a threshold it would
 * be the same as route.
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

void plan_grid(struct plan *plan, const struct catalogue *catalogue, const struct options *options)
{
    for (size_t entry = 0; entry < catalogue->count; entry++) {
        if (!in_shard(options, entry))
            continue;
        for (enum profile profile = 0; profile < PROFILES; profile++) {
            bool at_thresholds = swept(profile) || (options->profile_given &&
                                                    options->thresholds_given && profile != SYSTEM);

            if (!options->profiles[profile])
                continue;
            plan_add(plan, entry, profile, OWN_MIN_BYTES, false);
            for (size_t i = 0; at_thresholds && i < options->threshold_count; i++)
                plan_add(plan, entry, profile, options->thresholds[i], false);
        }
    }
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
