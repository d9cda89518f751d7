/*
 * raised.h - which signals no handler may block, whatever else it keeps away from itself.
 */
#ifndef ZK_RAISED_H
#define ZK_RAISED_H

#include <signal.h>

/* What an instruction raises itself, or the trap makes of a system call: blocked, it would end the process. Ended by 0. */
static const int zk_raised_signals[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
                                        SIGTRAP, SIGSYS, SIGABRT, 0};

#endif
