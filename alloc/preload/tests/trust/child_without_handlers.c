/*
 * child_without_handlers.c - a program of one thread makes a child by a way that runs no fork handlers, and
 * the child starts more threads than there are slabs. Nobody has told the allocator that this is another
 * process, with other threads: each must keep a slab to itself. Argument: the way.
 */
#include "trust.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { threads_max = 256, rounds = 3 };

static pthread_barrier_t together; /* so that all of them want a slab at the same time */
static struct keeper keepers[threads_max];

static pid_t make_child(const char *way)
{
    if (strcmp(way, "_Fork") == 0)
        return _Fork();
    if (strcmp(way, "system_call") == 0) {
#ifdef SYS_fork
        return (pid_t)syscall(SYS_fork);
#else
        skip("no such system call here");
#endif
    }
    if (strcmp(way, "clone") == 0)
        return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    NEED(strcmp(way, "fork") == 0); /* which does run them */
    return fork();
}

static void *keep_together(void *keeper)
{
    for (unsigned i = 0; i < rounds; i++) {
        keep(keeper, 50);
        pthread_barrier_wait(&together);
    }
    keep_no_more(keeper);
    return NULL;
}

/* The child's own keeper is the one that its parent had. */
static _Noreturn void child_body(unsigned threads)
{
    pthread_t thread[threads_max];

    NEED(pthread_barrier_init(&together, NULL, threads + 1) == 0);
    for (unsigned i = 1; i <= threads; i++)
        NEED(pthread_create(&thread[i - 1], NULL, keep_together, &keepers[i]) == 0);
    keep_together(&keepers[0]);
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
    _exit(0);
}

int main(int argc, char **argv)
{
    unsigned threads;

    deadline(20);
    NEED(argc == 2);
    NEED(begin_phase() == 0);
    threads = slab_count() + 4;
    NEED(threads < threads_max);
    for (unsigned i = 0; i <= threads; i++)
        keepers[i] = (struct keeper){.key = i + 1, .size_max = 9000};
    while (time_left()) {
        pid_t child;

        keep(&keepers[0], 20);
        child = make_child(argv[1]);
        if (child == 0)
            child_body(threads);
        child_succeeds(child);
    }
    return EXIT_SUCCESS;
}
