/* 20 threads start in one phase, and end in the next. That is enough for glibc to free stacks; it
 * does so on threads that have blocked every signal, and reads what it allocated in the phase
 * before. */
#include "phases.h"

#include <pthread.h>
#include <semaphore.h>

enum { THREADS = 20 };

static sem_t go;

static void *wait_to_end(void *arg)
{
    sem_wait(&go);
    return arg;
}

int main(void)
{
    pthread_t threads[THREADS];

    sem_init(&go, 0, 0);
    begin();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, wait_to_end, NULL) != 0)
            return 1;
    end();
    begin();
    for (int i = 0; i < THREADS; i++)
        sem_post(&go);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    end();
    return 0;
}
