/*
 * injector_pool.c - workers woken by a semaphore, one post for each job.
 */
#include "injector_pool.h"

#include <stdlib.h>

struct latch {
    sem_t set;
    bool stop; /* the worker that runs this job is to end */
};

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue; /* interrupted by a signal */
}

static void set_latch(void *data)
{
    struct latch *latch = data;

    sem_post(&latch->set);
}

static void *work(void *arg)
{
    struct injector_pool *pool = arg;
    bool stop = false;

    while (!stop) {
        struct job job;
        enum steal got;

        wait_for(&pool->pushed);
        do {
            got = injector_steal(&pool->queue, &job);
        } while (got != STEAL_SUCCESS);
        /* Read before the post: the latch may be gone after it. */
        stop = ((struct latch *)job.data)->stop;
        job.run(job.data);
    }
    return NULL;
}

static void join(struct injector_pool *pool, bool stop)
{
    struct latch latch = {.stop = stop};

    sem_init(&latch.set, 0, 0);
    injector_push(&pool->queue, (struct job){&latch, set_latch});
    sem_post(&pool->pushed);
    wait_for(&latch.set);
    sem_destroy(&latch.set);
}

void injector_pool_start(struct injector_pool *pool, unsigned workers)
{
    injector_init(&pool->queue);
    sem_init(&pool->pushed, 0, 0);
    if (workers > INJECTOR_POOL_WORKERS_MAX)
        abort();
    for (pool->count = 0; pool->count < workers; pool->count++)
        if (pthread_create(&pool->workers[pool->count], NULL, work, pool) != 0)
            abort();
}

void injector_pool_join(struct injector_pool *pool)
{
    join(pool, false);
}

void injector_pool_stop(struct injector_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        join(pool, true);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->workers[i], NULL);
    injector_deinit(&pool->queue);
    sem_destroy(&pool->pushed);
}
