/*
 * own_malloc.h - the smallest malloc that a program can be: memory is bumped out of one array and never
 * used again. It has a lock, which it keeps across a fork.
 */
#ifndef OWN_MALLOC_H
#define OWN_MALLOC_H

#include <stdbool.h>

/* Does p come from it? */
bool own_block(const void *p);

/* From here on, fork finds the lock free in parent and child. */
void own_malloc_watch_fork(void);

#endif
