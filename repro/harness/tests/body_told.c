/* A body that tells one thread many things within a phase, which takes longer than the time limit
 * in all: not a hang. */
#include "bodies.h"

#include <unistd.h>

static void nap(void *arg)
{
    (void)arg;
    usleep(100000);
}

static void body(struct repro_run *run)
{
    struct repro_thread *thread = repro_spawn(run);

    for (unsigned i = 0; i < 12; i++)
        repro_on(thread, nap, NULL);
    repro_join(run, thread);
}

TEST_REPRO("body_told", body, REPRO_CLEAN);
