/* A body that keeps a block and never uses it again: latent, even with the filler. */
#include "bodies.h"

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        (void)zk_malloc(1000);
        repro_end(run);
    }
}

TEST_REPRO("body_latent", body, REPRO_LATENT);
