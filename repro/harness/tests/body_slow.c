/* A body that takes longer than the time limit, but makes progress all the while: not a hang. */
#include "bodies.h"

#include <unistd.h>

static void body(struct repro_run *run)
{
    for (unsigned i = 0; i < 20; i++) {
        usleep(20000);
        repro_progress(run);
    }
}

TEST_REPRO("body_slow", body, REPRO_CLEAN);
