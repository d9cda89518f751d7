/*
 * vfork_child.c - every slab is held by a thread, and a vfork child allocates. It runs in its parent's
 * memory, but its process does not have these threads. It must not take their slabs all the same: they
 * go on using their blocks.
 */
#include "trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { threads_max = 256 };

static struct keeper keepers[threads_max];
static pthread_barrier_t together;

static void *hold_slab(void *keeper)
{
    keep(keeper, 200);
    pthread_barrier_wait(&together); /* all slabs are held */
    pthread_barrier_wait(&together); /* the child has ended */
    keep(keeper, 4000);
    keep_no_more(keeper);
    return NULL;
}

/* POSIX lets it call only _exit; but calling malloc has always worked. */
static void make_child(void)
{
    int status = -1;
    pid_t child = vfork(); /* NOLINT: that is what is tested */

    if (child == 0) {
        void *volatile block = malloc(5000); /* NOLINT */

        free(block); /* NOLINT */
        _exit(0);
    }
    NEED(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* Not on the main thread, which would not get its deadline's signal during vfork. */
static void *make_children(void *count)
{
    for (unsigned i = 0; i < *(const unsigned *)count; i++)
        make_child();
    return NULL;
}

static void round_with(unsigned threads, unsigned children)
{
    pthread_t holder[threads_max];
    pthread_t maker;
    static struct keeper late;

    NEED(pthread_barrier_init(&together, NULL, threads + 1) == 0);
    for (unsigned i = 0; i < threads; i++) {
        keepers[i] = (struct keeper){.key = i + 1, .size_max = 900};
        NEED(pthread_create(&holder[i], NULL, hold_slab, &keepers[i]) == 0);
    }
    pthread_barrier_wait(&together);
    NEED(pthread_create(&maker, NULL, make_children, &children) == 0);
    NEED(pthread_join(maker, NULL) == 0);
    pthread_barrier_wait(&together);
    late = (struct keeper){.key = 99, .size_max = 900};
    keep(&late, 4000); /* with a slab that is left over, if there is one */
    keep_no_more(&late);
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_join(holder[i], NULL) == 0);
    pthread_barrier_destroy(&together);
}

int main(void)
{
    unsigned threads;

    deadline(20);
    NEED(begin_phase() == 0);
    threads = slab_count();
    NEED(threads <= threads_max);
    for (unsigned i = 0; i < 20 && time_left(); i++)
        round_with(threads, 3);
    return EXIT_SUCCESS;
}
