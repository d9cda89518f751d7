/* A body in which one thread reports that its loop cannot end; the other goes on without it, or
 * waits for it. */
#include "bodies.h"

#include "run.h"

#include <pthread.h>
#include <unistd.h>

static void *loop(void *arg)
{
    watcher_endless("a loop of the test");
    return arg;
}

static void body(struct repro_run *run)
{
    pthread_t thread;

    pthread_create(&thread, NULL, loop, NULL);
    usleep(300000);
    if (repro_option(run, "wait") != 0)
        pthread_join(thread, NULL);
}

static const struct repro_option options[] = {{"wait", "for the loop", 0, 0, 0, NULL}, {0}};

TEST_REPRO_WITH("body_endless", body, .options = options,
                .expect = {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN,
                           REPRO_CLEAN});
