/*
 * pool_churn - a thread pool built, used and ended inside each phase: nothing is kept, nothing goes
 * wrong.
 *
 * Many threads start and end within one phase, so slabs change hands all the time. Only the
 * process-wide epoch collector is older: it is created before the first phase.
 */
#include "models/epoch.h"
#include "models/pool_team.h"
#include "models/thread_pool.h"
#include "repro.h"

#include <stdlib.h>

enum { workers = 3, depth = 100 };

/* Frees what ended workers have left to the collector: that takes two epochs. */
static void collect(void)
{
    for (int i = 0; i < 8; i++) {
        epoch_pin();
        epoch_flush();
        epoch_unpin();
    }
}

static void body(struct repro_run *run)
{
    epoch_pin();
    epoch_unpin();
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        struct pool *pool;

        if (!repro_begin(run))
            return;
        repro_check(run);
        pool = pool_create_ordered(workers);
        if (pool == NULL)
            abort();
        if (pool_team_recurse(pool, depth) != depth)
            repro_wrong(run, "a job was lost");
        pool_destroy(pool);
        collect();
        repro_end(run);
    }
}

const struct repro repro = {
    .id = "S3",
    .slug = "pool_churn",
    .class = "thread pool",
    .title = "a thread pool built, used and ended inside each phase",
    .seed = "F21",
    .severity = "high",
    .explain = "pool_built_in_phase keeps its pool for the next phase; this one does not. Its "
               "threads' slabs go to\n"
               "the next phase's threads. What remains is the epoch collector's queue, which "
               "always keeps one node\n"
               "as its sentinel: the latest that was allocated, that is, one of this phase's. "
               "Under the profile\n"
               "none that one node is enough.\n",
    .body = body,
    .cycles = 20,
    .at_length = "--cycles 500",
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
