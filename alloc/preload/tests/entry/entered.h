/*
 * entered.h - a function at whose entry a phase begins must be one, and be called.
 */
#ifndef ENTERED_H
#define ENTERED_H

#include "trust.h"

#define ENTERED __attribute__((noinline, noclone, used))

/* So many phases have begun, if anybody begins them. */
static inline void expect_phases(uint64_t expected)
{
    if (preloaded() && phases() != expected)
        fail("%lu phases instead of %lu", (unsigned long)phases(), (unsigned long)expected);
}

#endif
