/*
 * own_malloc_fork.c - a program that defines malloc itself, by glibc's internal names as well, takes its
 * lock before a fork. Whatever then allocates in another prepare handler waits for ever.
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

/* A thread that has not allocated anything yet. */
static void *fork_first(void *arg)
{
    fork_once();
    return arg;
}

int main(void)
{
    pthread_t allocating;
    pthread_t forking;

    deadline(10);
    own_malloc_watch_fork();
    for (unsigned i = 0; i < 20; i++)
        fork_once();
    NEED(begin_phase() == 0);
    NEED(pthread_create(&allocating, NULL, allocate_on, NULL) == 0);
    for (unsigned i = 0; i < 50; i++) {
        NEED(pthread_create(&forking, NULL, fork_first, NULL) == 0);
        NEED(pthread_join(forking, NULL) == 0);
        fork_once();
    }
    atomic_store(&stop, true);
    NEED(pthread_join(allocating, NULL) == 0);
    return EXIT_SUCCESS;
}
