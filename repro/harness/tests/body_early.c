/* A body in which something is wrong before any boundary was crossed. */
#include "bodies.h"

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        repro_wrong(run, "a sum");
        repro_end(run);
    }
}

TEST_REPRO("body_early", body, REPRO_CORRUPT);
