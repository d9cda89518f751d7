/*
 * cancellation.c - a thread with a pending cancellation goes on until it reaches a cancellation point, and none of
 * our functions is one, whatever it has to open or to write to stderr. Linked with zkalloc.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *volatile reached; /* what the thread was about to call, or NULL */

static void *volatile kept;

static void allocate(void)
{
    reached = "malloc";
    kept = malloc(5000);
    reached = "realloc";
    kept = call.realloc(kept, 9000);
    reached = "free";
    free(kept);
    reached = "zk_malloc";
    kept = zk_malloc(5000);
    reached = "zk_realloc";
    kept = zk_realloc(kept, 90000);
    reached = "zk_free";
    zk_free(kept);
}

/* Retains so much that there is a line about it. */
static void grow(void)
{
    for (unsigned i = 0; i < 64; i++) {
        reached = "zk_begin_phase, growing";
        zk_begin_phase();
        reached = "zk_malloc, growing";
        kept = zk_malloc(1 << 20);
        memset(kept, 1, 1 << 20);
        reached = "zk_end_phase, growing";
        zk_end_phase();
    }
}

static void *call_everything(void *arg)
{
    struct zk_stats stats;

    pthread_cancel(pthread_self());
    allocate();
    reached = "zk_begin_phase";
    zk_begin_phase();
    allocate();
    reached = "zk_stats";
    zk_stats(&stats);
    reached = "zk_end_phase";
    zk_end_phase();
    grow();
    reached = "zk_begin_phase, left behind";
    zk_begin_phase();
    reached = NULL;
    pthread_testcancel();
    return arg;
}

/* Also leaves its phase without an end: the next begin writes a line about that. */
static void cancelled_at_its_own_point(void)
{
    pthread_t thread;
    void *result = NULL;

    NEED(pthread_create(&thread, NULL, call_everything, NULL) == 0);
    NEED(pthread_join(thread, &result) == 0);
    if (reached != NULL)
        fail("cancelled in %s", reached);
    NEED(result == PTHREAD_CANCELED);
}

int main(void)
{
    struct zk_stats stats;

    deadline(10);
    for (unsigned i = 0; i < 3; i++)
        cancelled_at_its_own_point();
    NEED(zk_begin_phase() == 0);
    NEED(zk_stats(&stats) == 0 && stats.orphans == 3);
    NEED(zk_end_phase() == 0);
    return EXIT_SUCCESS;
}
