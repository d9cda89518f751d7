/*
 * calls_in_fork_handlers.c - fork handlers, some registered before the allocator's and some after, allocate
 * and free, begin and end phases, and ask for statistics, while other threads do the same. In the middle of
 * a fork these must work as they do elsewhere.
 */
#include "../check.h"
#include "early_handlers.h"
#include "trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { threads = 3, small_bytes = 100, large_bytes = 5000 };

static _Atomic bool stop;

static void allocate(void)
{
    char *small = malloc(small_bytes);
    char *large = malloc(large_bytes);

    fill(small, small_bytes, 1);
    fill(large, large_bytes, 2);
    large = call.realloc(large, 3 * (size_t)large_bytes);
    NEED(filled(small, small_bytes, 1) && filled(large, large_bytes, 2));
    free(small);
    free(large);
}

/* Called in all six handlers. Only this thread begins phases. */
static void call_everything(void)
{
    allocate();
    NEED(begin_phase() == 0);
    allocate();
    NEED(phases() > 0 || !preloaded());
    NEED(end_phase() == 0);
}

static void *allocate_on(void *arg)
{
    while (!atomic_load(&stop)) {
        allocate();
        phases();
    }
    return arg;
}

static void child_body(void)
{
    call_everything();
    _exit(0);
}

int main(void)
{
    pthread_t thread[threads];

    deadline(15);
    early_handlers = (struct handlers){call_everything, call_everything, call_everything};
    NEED(pthread_atfork(call_everything, call_everything, call_everything) == 0);
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_create(&thread[i], NULL, allocate_on, NULL) == 0);
    while (time_left()) {
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
