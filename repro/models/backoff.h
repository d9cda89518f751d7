/*
 * backoff.h - how a model waits for another thread where the real one spins, yields and parks: private
 * to the models.
 *
 * Yields at first, since the other thread may need this processor; then spins. So a wait that never
 * ends uses processor time even on a busy machine, and is soon recognised as a hang. Only for loops
 * such as watched.h describes: they must not contain a compare-and-swap that can fail spuriously.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include "watched.h"

#include <sched.h>

enum { BACKOFF_YIELDS = 100 };

/* To be called between two looks. *tries is 0 before the first call. */
static inline void backoff(unsigned *tries)
{
    model_looked(*tries == 0);
    if (*tries == BACKOFF_YIELDS)
        return;
    ++*tries;
    sched_yield();
}

#endif
