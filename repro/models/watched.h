/*
 * watched.h - what a model tells whoever watches the program: private to the models.
 *
 * A harness that wants to know defines the two functions watcher_endless and watcher_looked; where none
 * does, as in a benchmark or a model's own test, nothing is told.
 */
#ifndef WATCHED_H
#define WATCHED_H

#include <stdbool.h>
#include <stddef.h>

__attribute__((weak)) void watcher_endless(const char *why);
__attribute__((weak)) void watcher_looked(bool first);

/* A loop has come back to where it was with nothing changed, and no other thread may change it: it
 * cannot end. why: a few words, of static storage. Returns, and the loop goes on, as the real one
 * would, where nobody watches. Any thread. */
static inline void model_endless(const char *why)
{
    if (watcher_endless != NULL)
        watcher_endless(why);
}

/* The calling thread waits for another one: it has looked, and not found what it waits for. Between
 * two such calls of one wait it only looks, and changes nothing that another thread can see; and what
 * it finds depends on nothing but memory. first: of this wait. Any thread. */
static inline void model_looked(bool first)
{
    if (watcher_looked != NULL)
        watcher_looked(first);
}

#endif
