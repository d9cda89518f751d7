/*
 * deep_recursion - joins nested 4000 deep, phase after phase: the workers' deques grow and shrink
 * each time.
 */
#include "models/pool_team.h"
#include "models/thread_pool.h"
#include "repro.h"

#include <stdlib.h>

static void body(struct repro_run *run)
{
    struct pool *pool = pool_create_ordered(repro_threads(run));
    unsigned long depth = repro_option(run, "depth");

    if (pool == NULL)
        abort();
    repro_team(run, pool_team_reach, pool);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        unsigned long jobs;

        if (!repro_begin(run))
            return;
        jobs = pool_team_recurse(pool, depth);
        if (jobs != depth)
            repro_wrong(run, "%lu of %lu jobs were run", jobs, depth);
        repro_end(run);
    }
    pool_destroy(pool);
}

static const struct repro_option options[] = {
    {"depth", "levels of nested join", 4000, 1, 100000, NULL},
    {0},
};

const struct repro repro = {
    .id = "S2",
    .slug = "deep_recursion",
    .class = "work-stealing deque",
    .title = "joins nested 4000 deep, phase after phase",
    .seed = "F18",
    .severity = "critical",
    .explain = "worker_deque_growth at a depth that makes the deque grow to 4096 slots, 64 KiB, "
               "and shrink again in\n"
               "every phase. Under the profile seed the large buffers are in the arena, and are "
               "garbage when the\n"
               "phase ends: nothing that lives is, and nothing is wrong, however many phases.\n",
    .body = body,
    .options = options,
    .cycles = 50,
    .at_length = "--cycles 1000",
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
