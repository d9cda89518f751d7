/*
 * backoff.h - how a model waits for another thread where the real one spins, yields and parks: private
 * to the models.
 *
 * Yields at first, as the other thread may want this one's processor; then spins. So a wait for what
 * never comes takes processor time, also where the machine is busy, and is soon told to be one. For
 * loops that watched.h describes: no compare-and-swap that fails without a reason.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include "watched.h"

#include <sched.h>

enum { BACKOFF_YIELDS = 100 };

/* Between two looks. tries: 0 before the first. */
static inline void backoff(unsigned *tries)
{
    model_looked(*tries == 0);
    if (*tries == BACKOFF_YIELDS)
        return;
    ++*tries;
    sched_yield();
}

#endif
