/*
 * own_malloc.h - the smallest possible malloc of a program's own: memory is bumped out of one array and
 * never reused. Its lock is held across a fork.
 */
#ifndef OWN_MALLOC_H
#define OWN_MALLOC_H

#include <stdbool.h>

/* Does p come from it? */
bool own_block(const void *p);

/* From here on, fork leaves the lock free in parent and child. */
void own_malloc_watch_fork(void);

#endif
