/*
 * sigtrap.h - SIGTRAP is ours, and the program does not notice: it installs its own handler for traps that are not
 * ours, and blocks the signal as it likes.
 */
#ifndef ZK_SIGTRAP_H
#define ZK_SIGTRAP_H

#include <signal.h>
#include <stdbool.h>

/* Catches SIGTRAP from now on. Once. */
void zk_sigtrap_take(void);

/* The program's sigaction, which the library that we are in defines, asks this first. True: it is done. False: the C
 * library is to be asked, for *new, which may be replaced by what is in room then: no handler blocks SIGTRAP while it
 * runs. */
bool zk_sigtrap_sigaction(int number, const struct sigaction **new, struct sigaction *old,
                          struct sigaction *room);

#endif
