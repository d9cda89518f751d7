/*
 * chaos_in_children.c - chaos goes on in every child of a program whose other threads were making boundaries
 * at the time of the fork.
 */
#include "../check.h"
#include "trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { threads = 4, children = 100, allocations = 3000 };

static _Atomic bool stop;

static void *allocate_on(void *arg)
{
    while (!atomic_load(&stop))
        free(call.malloc(100));
    return arg;
}

static void child_body(void)
{
    uint64_t before = phases();

    for (unsigned i = 0; i < allocations; i++)
        free(call.malloc(100));
    if (phases() == before)
        fail("no boundary in %d allocations of a child", allocations);
    _exit(0);
}

int main(void)
{
    pthread_t thread[threads];

    deadline(20);
    NEED(preloaded());
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_create(&thread[i], NULL, allocate_on, NULL) == 0);
    while (phases() < 10)
        usleep(100);
    for (unsigned i = 0; i < children; i++) {
        pid_t child = fork();

        if (child == 0)
            child_body();
        child_succeeds(child);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
    return EXIT_SUCCESS;
}
