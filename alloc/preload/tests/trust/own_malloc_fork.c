/*
 * own_malloc_fork.c - a program that is malloc itself, by glibc's own names as well, takes its lock before a
 * fork. Who then asks it for memory in another prepare handler waits for ever.
 */
#include "own_malloc.h"
#include "trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic bool stop;

static void *allocate_on(void *arg)
{
    while (!atomic_load(&stop)) {
        NEED(own_block(malloc(16)));
        usleep(100);
    }
    return arg;
}

static void fork_once(void)
{
    pid_t child = fork();

    if (child == 0) {
        NEED(own_block(malloc(5000)));
        _exit(0);
    }
    child_succeeds(child);
}

int main(void)
{
    pthread_t thread;

    deadline(10);
    own_malloc_watch_fork();
    NEED(begin_phase() == 0);
    for (unsigned i = 0; i < 50; i++)
        fork_once(); /* alone, and before it has asked for anything */
    NEED(pthread_create(&thread, NULL, allocate_on, NULL) == 0);
    for (unsigned i = 0; i < 50; i++)
        fork_once();
    atomic_store(&stop, true);
    NEED(pthread_join(thread, NULL) == 0);
    return EXIT_SUCCESS;
}
