/* A body that aborts on a thread other than the main one. */
#include "bodies.h"

#include <pthread.h>
#include <stdlib.h>

static void *give_up(void *arg)
{
    (void)arg;
    abort();
}

static void body(struct repro_run *run)
{
    pthread_t thread;

    if (repro_begin(run) && pthread_create(&thread, NULL, give_up, NULL) == 0)
        pthread_join(thread, NULL);
}

TEST_REPRO("body_abort", body, REPRO_CRASH);
