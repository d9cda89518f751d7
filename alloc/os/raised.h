/*
 * raised.h - the signals that none of our handlers may block.
 */
#ifndef ZK_RAISED_H
#define ZK_RAISED_H

#include <signal.h>

/* Signals that an instruction raises, or that the trap turns a system call into: raised while blocked, they would end
 * the process. Terminated by 0. */
static const int zk_raised_signals[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
                                        SIGTRAP, SIGSYS, SIGABRT, 0};

#endif
