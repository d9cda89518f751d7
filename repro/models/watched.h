/*
 * watched.h - what a model tells a harness that watches the program. Private to the models.
 *
 * A harness that watches defines the two functions watcher_endless and watcher_looked. Without
 * them, as in a benchmark or a model's own test, the calls below do nothing.
 */
#ifndef WATCHED_H
#define WATCHED_H

#include <stdbool.h>
#include <stddef.h>

__attribute__((weak)) void watcher_endless(const char *why);
__attribute__((weak)) void watcher_looked(bool first);

/* The caller's loop is back in a state that it has been in before, and no other thread may change
 * that state: it cannot end. why: a few words, in static storage. If nobody watches, this returns
 * and the loop goes on, as the real one would. Any thread. */
static inline void model_endless(const char *why)
{
    if (watcher_endless != NULL)
        watcher_endless(why);
}

/* The calling thread waits for another one: it has polled, and not found what it waits for. Between
 * two such calls of one wait it only reads: it changes nothing that another thread can see, and
 * what it finds depends only on memory. first: this is the first call of this wait. Any thread. */
static inline void model_looked(bool first)
{
    if (watcher_looked != NULL)
        watcher_looked(first);
}

#endif
