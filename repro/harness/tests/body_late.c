/* A body whose threads all wait for one that works longer than it takes to prove a hang, and
 * reports no progress: not a hang. One of them waits in a system call; one spins, as models do. */
#include "bodies.h"

#include "run.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

static struct {
    sem_t posted;
    _Atomic bool set;
    bool never; /* a flag that nobody sets */
} late;

static void *wait_post(void *arg)
{
    (void)arg;
    sem_wait(&late.posted);
    return NULL;
}

static void *wait_set(void *arg)
{
    bool first = true;

    (void)arg;
    while (!late.set) {
        watcher_looked(first);
        first = false;
        sched_yield();
    }
    return NULL;
}

static void body(struct repro_run *run)
{
    pthread_t threads[2];

    late.never = repro_option(run, "never") != 0;
    sem_init(&late.posted, 0, 0);
    pthread_create(&threads[0], NULL, wait_post, NULL);
    pthread_create(&threads[1], NULL, wait_set, NULL);
    usleep(400000);
    sem_post(&late.posted);
    if (!late.never)
        late.set = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static const struct repro_option options[] = {{"never", "set what is waited for", 0, 0, 0, NULL},
                                              {0}};

TEST_REPRO_WITH("body_late", body, .options = options,
                .expect = {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN,
                           REPRO_CLEAN});
