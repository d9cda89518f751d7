/*
 * sigtrap.h - takes SIGTRAP for ourselves without the program noticing: it can install a handler, which gets the
 * traps that are not ours, and block the signal as it likes.
 */
#ifndef ZK_SIGTRAP_H
#define ZK_SIGTRAP_H

#include <signal.h>
#include <stdbool.h>

/* Catches SIGTRAP from now on. Call once. */
void zk_sigtrap_take(void);

/* The sigaction that our library defines for the program calls this first. True if that was all. False if the C
 * library's must be called, with *new, which may have been replaced by *room: so that no handler blocks SIGTRAP while
 * it runs. */
bool zk_sigtrap_sigaction(int number, const struct sigaction **new, struct sigaction *old,
                          struct sigaction *room);

#endif
