/* A body that begins twice: the outcome depends on the profile's nesting. */
#include "bodies.h"

static bool begin_twice(struct repro_run *run)
{
    bool once = repro_begin(run);

    return repro_begin(run) && once;
}

static void body(struct repro_run *run)
{
    if (begin_twice(run))
        repro_end(run);
}

TEST_REPRO_WITH("body_refused", body,
                .expect = {[REPRO_NONE] = REPRO_CLEAN,
                           [REPRO_FLUSH] = REPRO_CLEAN,
                           [REPRO_ROUTE] = REPRO_CLEAN,
                           [REPRO_SEED] = REPRO_REFUSED,
                           [REPRO_PINNED] = REPRO_REFUSED,
                           [REPRO_SYSTEM] = REPRO_CLEAN});
