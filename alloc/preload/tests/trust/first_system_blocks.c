/*
 * first_system_blocks.c - the arena serves everything that a program has asked for so far, and then more threads
 * than there are slabs allocate at once. glibc's malloc initialises itself in its first call, without a lock, since
 * normally that call is made before there are threads.
 */
#include "trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { threads_max = 256 };

static pthread_barrier_t together;

static void *allocate_at_once(void *number)
{
    struct keeper keeper = {.key = (unsigned)(size_t)number, .size_max = 2000};

    pthread_barrier_wait(&together);
    keep(&keeper, kept_blocks);
    pthread_barrier_wait(&together); /* until here all slabs are held */
    keep_no_more(&keeper);
    return NULL;
}

static void child_body(unsigned threads)
{
    pthread_t thread[threads_max];

    NEED(pthread_barrier_init(&together, NULL, threads) == 0);
    for (size_t i = 0; i < threads; i++)
        NEED(pthread_create(&thread[i], NULL, allocate_at_once, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
    _exit(0);
}

int main(void)
{
    unsigned threads;

    deadline(20);
    NEED(begin_phase() == 0);
    threads = slab_count() + 6;
    NEED(threads <= threads_max);
    while (time_left()) { /* each child starts afresh */
        pid_t child = fork();

        if (child == 0)
            child_body(threads);
        child_succeeds(child);
    }
    return EXIT_SUCCESS;
}
