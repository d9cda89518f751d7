/*
 * begin_at.h - the functions of the program at which a phase begins and ends.
 */
#ifndef BEGIN_AT_H
#define BEGIN_AT_H

#include <stdbool.h>

/* Exit 2 with a line when it is empty. */
void begin_at(const char *function);
void end_at(const char *function);

/* The first one that a phase begins at, or NULL. */
const char *begin_at_function(void);

/* Finds them in the program, and tells the library. Exits 2 with a line where that cannot be. */
void begin_at_set(const char *program, bool preloaded);

#endif
