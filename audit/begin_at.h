/*
 * begin_at.h - the functions of the program at which a phase begins and ends.
 */
#ifndef BEGIN_AT_H
#define BEGIN_AT_H

#include <stdbool.h>

/* Both exit 2 with a line when function is empty. */
void begin_at(const char *function);
void end_at(const char *function);

/* The first function at which a phase begins, or NULL. */
const char *begin_at_function(void);

/* Finds the functions in the program, and tells the library. Exits 2 with a line if that is
 * impossible. */
void begin_at_set(const char *program, bool preloaded);

#endif
