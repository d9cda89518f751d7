/* A body that finds its data wrong in every other cycle. */
#include "bodies.h"

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase % 2 == 1) {
            repro_wrong(run, "cycle %s", "odd");
            repro_wrong(run, "the second complaint of a cycle does not count");
        }
        repro_end(run);
    }
}

TEST_REPRO("body_wrong", body, REPRO_CORRUPT);
