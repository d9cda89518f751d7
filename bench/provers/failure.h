/*
 * failure.h - ends a prover program that cannot go on.
 */
#ifndef FAILURE_H
#define FAILURE_H

/* What the lines on stderr begin with. To be called first; name must last. */
void failure_set_up(const char *name);

/* Writes "name: ", the formatted text and a newline to stderr, and ends the process with that status, at
 * once: no atexit, no destructor, no stdio, no malloc. Any thread; in a phase or not. A text longer than 400
 * bytes is cut. */
_Noreturn void failure(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
