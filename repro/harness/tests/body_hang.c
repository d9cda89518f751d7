/* A body that never makes progress. */
#include "bodies.h"

static void body(struct repro_run *run)
{
    volatile bool forever = true;

    repro_begin(run);
    while (forever)
        continue;
}

TEST_REPRO("body_hang", body, REPRO_HANG);
