/*
 * tools.h - what we tell a memory debugger that the program runs under: recycled memory is poisoned
 * for AddressSanitizer, and reported to Valgrind's memcheck. Not while an audit is on.
 */
#ifndef ZK_TOOLS_H
#define ZK_TOOLS_H

#include "observer.h"

extern const struct zk_observer zk_tools_observer;

#endif
