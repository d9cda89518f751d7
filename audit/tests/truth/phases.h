/*
 * phases.h - phases for the programs here, which do something only if the library is loaded. What
 * should be found is in the programs' comments: PLANT:NAME stands on the line that allocates a
 * block, STALE:NAME on the one that touches it in a later phase.
 */
#ifndef PHASES_H
#define PHASES_H

#include <stddef.h>

int zk_begin_phase(void) __attribute__((weak));
int zk_end_phase(void) __attribute__((weak));
int zk_discard_phase(void) __attribute__((weak));

static inline void begin(void)
{
    if (zk_begin_phase != NULL)
        zk_begin_phase();
}

static inline void end(void)
{
    if (zk_end_phase != NULL)
        zk_end_phase();
}

#endif
