/*
 * tools.h - memory debuggers that the program runs under, and what they are told: recycled memory is
 * poisoned for AddressSanitizer, and announced to Valgrind's memcheck. Not while there is an audit.
 */
#ifndef ZK_TOOLS_H
#define ZK_TOOLS_H

#include "observer.h"

extern const struct zk_observer zk_tools_observer;

#endif
