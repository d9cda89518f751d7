/* A body in which two threads wait for each other, without a timeout: a hang that can be proven. */
#include "bodies.h"

#include <semaphore.h>

struct pair {
    sem_t mine;
    sem_t other;
};

static void wait_for_other(void *arg)
{
    struct pair *pair = arg;

    sem_wait(&pair->other);
    sem_post(&pair->mine);
}

static void body(struct repro_run *run)
{
    static struct pair pair;
    struct repro_thread *thread = repro_spawn(run);

    sem_init(&pair.mine, 0, 0);
    sem_init(&pair.other, 0, 0);
    repro_on(thread, wait_for_other, &pair); /* the thread that would post is waiting here */
    sem_post(&pair.other);
}

TEST_REPRO("body_deadlock", body, REPRO_HANG);
