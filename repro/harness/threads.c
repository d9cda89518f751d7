/*
 * threads.c - threads that do one thing at a time, when told, so that the order of events does not
 * depend on the scheduler.
 */
#include "run.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

struct repro_thread {
    struct repro_thread *next;
    struct repro_run *run;
    pthread_t handle;
    sem_t told;
    sem_t done;
    void (*act)(void *arg); /* NULL: end */
    void *arg;
};

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue; /* interrupted by a signal */
}

static void *serve(void *arg)
{
    struct repro_thread *thread = arg;

    for (;;) {
        wait_for(&thread->told);
        if (thread->act == NULL)
            return NULL;
        thread->act(thread->arg);
        sem_post(&thread->done);
    }
}

struct repro_thread *repro_spawn(struct repro_run *run)
{
    struct repro_thread *thread = calloc(1, sizeof *thread);

    if (thread == NULL || sem_init(&thread->told, 0, 0) != 0 ||
        sem_init(&thread->done, 0, 0) != 0 ||
        pthread_create(&thread->handle, NULL, serve, thread) != 0) {
        fprintf(stderr, "%s: cannot start a thread\n", repro.slug);
        exit(3);
    }
    thread->run = run;
    thread->next = run->threads;
    run->threads = thread;
    repro_progress(run);
    return thread;
}

void repro_on(struct repro_thread *thread, void (*act)(void *arg), void *arg)
{
    thread->act = act;
    thread->arg = arg;
    sem_post(&thread->told);
    wait_for(&thread->done);
    repro_progress(thread->run); /* hundreds of threads may be told, one after the other */
}

void repro_join(struct repro_run *run, struct repro_thread *thread)
{
    struct repro_thread **link = &run->threads;

    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    thread->act = NULL;
    sem_post(&thread->told);
    pthread_join(thread->handle, NULL);
    repro_progress(run);
    sem_destroy(&thread->told);
    sem_destroy(&thread->done);
    free(thread);
}

void threads_each(struct repro_run *run, void (*act)(void *arg), void *arg)
{
    for (struct repro_thread *thread = run->threads; thread != NULL; thread = thread->next)
        repro_on(thread, act, arg);
}
