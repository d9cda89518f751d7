/*
 * phase_results.c - what a program's own begins and ends return, right and wrong ones, on this thread and on
 * another. The program never notices chaos, which puts boundaries in between.
 */
#include "../check.h"
#include "trust.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { rounds = 200, allocations = 60 };

/* Boundaries come with allocations. */
static void allocate(void)
{
    for (unsigned i = 0; i < allocations; i++)
        free(call.malloc(50 + i));
}

static void refused(int result, int error)
{
    NEED(result == -1 && errno == error);
    allocate();
}

static void *call_from_elsewhere(void *arg)
{
    allocate();
    refused(begin_phase(), EPERM);
    refused(end_phase(), EPERM);
    return arg;
}

static void own_phase(void)
{
    pthread_t other;

    refused(end_phase(), EINVAL);
    NEED(begin_phase() == 0);
    allocate();
    refused(begin_phase(), EBUSY);
    NEED(pthread_create(&other, NULL, call_from_elsewhere, NULL) == 0);
    NEED(pthread_join(other, NULL) == 0);
    refused(begin_phase(), EBUSY);
    NEED(end_phase() == 0);
    allocate();
}

int main(void)
{
    deadline(10);
    NEED(preloaded());
    for (unsigned i = 0; i < rounds; i++)
        own_phase();
    return EXIT_SUCCESS;
}
