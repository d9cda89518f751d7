/* A body that keeps nothing: clean. */
#include "bodies.h"

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        zk_free(zk_malloc(1000));
        repro_end(run);
    }
}

TEST_REPRO("body_clean", body, REPRO_CLEAN);
