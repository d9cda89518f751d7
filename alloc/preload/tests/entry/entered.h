/*
 * entered.h - the function at whose entry a phase begins: it must not be inlined or optimised away.
 */
#ifndef ENTERED_H
#define ENTERED_H

#include "trust.h"

#define ENTERED __attribute__((noinline, noclone, used))

/* Checks how many phases have begun, if the preload library is there to begin them. */
static inline void expect_phases(uint64_t expected)
{
    if (preloaded() && phases() != expected)
        fail("%lu phases instead of %lu", (unsigned long)phases(), (unsigned long)expected);
}

#endif
