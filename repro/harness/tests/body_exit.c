/* A body that ends the process behind the harness's back: an internal error, not an outcome. */
#include "bodies.h"

#include <unistd.h>

static void body(struct repro_run *run)
{
    (void)run;
    _exit(0);
}

TEST_REPRO("body_exit", body, REPRO_CLEAN);
