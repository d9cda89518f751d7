/* A body that cannot run here. */
#include "bodies.h"

static void body(struct repro_run *run)
{
    repro_skip(run, "no %s", "way");
}

TEST_REPRO("body_skip", body, REPRO_SKIP);
