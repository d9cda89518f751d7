/*
 * pool_built_before_phase - a pool built before any phase survives: the control of
 * pool_built_in_phase.
 *
 * The same pool, the same work, but everything that the pool keeps was allocated before the first
 * phase, and came from the C library. As long as the work is shallow, a phase frees everything that
 * it adds.
 */
#include "models/crates.h"
#include "models/pool_team.h"
#include "models/thread_pool.h"
#include "repro.h"

#include <stdlib.h>

enum { depth = 32 }; /* fits into a new deque */

static void drain(void *pool)
{
    for (int i = 0; i < 256; i++)
        pool_team_recurse(pool, 0);
}

static void body(struct repro_run *run)
{
    struct pool *pool;

    crates_choose((enum crates)repro_option(run, "crates"));
    pool = pool_create_ordered(repro_option(run, "pool-threads"));
    if (pool == NULL)
        abort();
    repro_team(run, pool_team_reach, pool);
    repro_on_flush(run, drain, pool);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (pool_team_recurse(pool, depth) != depth)
            repro_wrong(run, "a job was lost");
        repro_end(run);
    }
    pool_destroy(pool);
}

static const struct repro_option options[] = {
    {"pool-threads", "workers of the pool", 4, 1, 255, NULL, "threads"},
    CRATES_OPTION,
    {0},
};

static const struct repro_variant variants[] = {
    {"--pool-threads 32",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"F21a", "rayon_pool", "A thread pool built before any phase survives 50 phases", "info",
     "NA: the control of F21", REPRO_NONE, REPRO_CLEAN},
    {0},
};

const struct repro repro = {
    .id = "R20",
    .slug = "pool_built_before_phase",
    .class = "control",
    .title = "a thread pool built before any phase survives",
    .seed = "F21",
    .severity = "info",
    .explain =
        "pool_built_in_phase shows a pool that dies in the phase after the one it was built in. This is the\n"
        "same pool with the same work, built before any phase: registry, deques, sleep states, the\n"
        "injector's block, the workers' epoch records all come from the C library, and 50 phases pass.\n"
        "\n"
        "It is a control, and it has limits. The joins here are no deeper than the deques were made for\n"
        "(worker_deque_growth goes deeper), and 50 phases push fewer jobs from outside than the injector's\n"
        "first block holds (injector_block pushes more). What a pool allocates while it works lies in the\n"
        "phase, whenever the pool itself was built.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .cycles = 50,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CLEAN,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
