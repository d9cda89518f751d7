/*
 * injector_pool.h - threads that take jobs from one injector; and what rayon's join does on a
 * thread that is not one of them: it pushes a job and waits until it has run. The rest of a thread
 * pool (deques, stealing) is left out, so that the injector's blocks are the only memory there is.
 */
#ifndef INJECTOR_POOL_H
#define INJECTOR_POOL_H

#include "injector.h"

#include <pthread.h>
#include <semaphore.h>

enum { INJECTOR_POOL_WORKERS_MAX = 256 };

struct injector_pool {
    struct injector queue;
    sem_t pushed; /* jobs in the queue that no worker has been woken for */
    pthread_t workers[INJECTOR_POOL_WORKERS_MAX];
    unsigned count;
};

/* Makes a pool of workers threads, at most INJECTOR_POOL_WORKERS_MAX. Aborts if it cannot. The
 * calling thread allocates the queue's first block. */
void injector_pool_start(struct injector_pool *pool, unsigned workers);

/* Pushes one empty job, and returns when a worker has run it. Any thread but the workers. */
void injector_pool_join(struct injector_pool *pool);

/* Ends the workers and frees the queue. Nobody may be in injector_pool_join. */
void injector_pool_stop(struct injector_pool *pool);

#endif
