/*
 * early_child_handler.c - a child handler that runs before the allocator's own reallocs blocks of threads
 * that were in the middle of an allocation, and do not exist any more to finish it.
 */
#include "../check.h"
#include "early_handlers.h"
#include "trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { holders = 3, block_bytes = 5000 };

static struct {
    _Atomic(char *) block[holders];
    _Atomic bool stop;
} shared;

static void *allocate_on(void *number)
{
    char *block = malloc(block_bytes);

    fill(block, block_bytes, 1);
    atomic_store(&shared.block[(size_t)number], block);
    while (!atomic_load(&shared.stop))
        free(call.calloc(1, block_bytes));
    return NULL;
}

static void realloc_theirs(void)
{
    for (unsigned i = 0; i < holders; i++) {
        char *block = realloc(atomic_load(&shared.block[i]), 100000);

        NEED(block != NULL && filled(block, block_bytes, 1));
        free(block);
    }
}

static void fork_once(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    child_succeeds(child);
}

int main(void)
{
    pthread_t thread[holders];

    deadline(15);
    NEED(begin_phase() == 0);
    for (size_t i = 0; i < holders; i++) {
        NEED(pthread_create(&thread[i], NULL, allocate_on, (void *)i) == 0);
        while (atomic_load(&shared.block[i]) == NULL)
            usleep(100);
    }
    early_handlers.child = realloc_theirs;
    while (time_left())
        fork_once();
    atomic_store(&shared.stop, true);
    for (unsigned i = 0; i < holders; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
    return EXIT_SUCCESS;
}
