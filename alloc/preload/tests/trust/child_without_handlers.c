/*
 * child_without_handlers.c - a program with one thread makes a child in a way that runs no fork handlers,
 * and the child starts more threads than there are slabs. The allocator has not been told that this is
 * another process, with other threads: still, each slab must have only one holder. Argument: the way.
 */
#include "trust.h"
#include "zkalloc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern __typeof__(zk_owns) zk_owns __attribute__((weak));

enum { threads_max = 256, rounds = 3 };

static pthread_barrier_t together; /* so that all threads want a slab at the same time */
static struct keeper keepers[threads_max];
static void *latest[threads_max]; /* the latest block of each thread */

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
    NEED(strcmp(way, "fork") == 0); /* fork does run the handlers */
    return fork();
}

/* Are the blocks in the same slab? Slabs are gigabytes apart, unless address space is short, and
 * little of each is used. */
static bool of_one_slab(const void *a, const void *b)
{
    const uintptr_t used_max = (uintptr_t)64 << 20;

    return zk_owns != NULL && slab_bytes() > 4 * used_max && zk_owns(a) && zk_owns(b) &&
           (uintptr_t)a - (uintptr_t)b + used_max < 2 * used_max;
}

/* All threads wait at the barrier, so the holders do not change. */
static void check_holders(unsigned threads)
{
    for (unsigned i = 0; i <= threads; i++)
        for (unsigned k = 0; k < i; k++)
            if (of_one_slab(latest[i], latest[k]))
                fail("threads %u and %u hold the same slab", k, i);
}

static void *keep_together(void *arg)
{
    struct keeper *keeper = arg;

    for (unsigned i = 0; i < rounds; i++) {
        keep(keeper, 100);
        latest[keeper->key - 1] = malloc(100);
        pthread_barrier_wait(&together);
        pthread_barrier_wait(&together); /* the blocks have been compared */
        free(latest[keeper->key - 1]);
    }
    keep_no_more(keeper);
    return NULL;
}

static void *compare(void *threads)
{
    for (unsigned i = 0; i < rounds; i++) {
        pthread_barrier_wait(&together);
        check_holders(*(const unsigned *)threads);
        pthread_barrier_wait(&together);
    }
    return NULL;
}

/* The child's main thread uses the keeper of its parent. */
static _Noreturn void child_body(unsigned threads)
{
    pthread_t thread[threads_max];
    pthread_t comparing;

    NEED(pthread_barrier_init(&together, NULL, threads + 2) == 0);
    NEED(pthread_create(&comparing, NULL, compare, &threads) == 0);
    for (unsigned i = 1; i <= threads; i++)
        NEED(pthread_create(&thread[i - 1], NULL, keep_together, &keepers[i]) == 0);
    keep_together(&keepers[0]);
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
    NEED(pthread_join(comparing, NULL) == 0);
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
        keepers[i] = (struct keeper){.key = i + 1, .size_max = 2000};
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
