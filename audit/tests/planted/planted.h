/*
 * planted.h - phases for programs that are audited from outside: there if the library is.
 *
 * In these programs, PLANT and a name mark the line that allocates what is kept across a phase, and STALE and the same
 * name the line that uses it in a later one. Behind a planted name are the size of the block, or ~ if the library
 * decides, and the function that the line is in (- if it is always inlined). scripts/audit_score.sh holds zk-audit to them.
 */
#ifndef PLANTED_H
#define PLANTED_H

#ifdef __cplusplus
extern "C" {
#endif
int zk_begin_phase(void) __attribute__((weak));
int zk_end_phase(void) __attribute__((weak));
#ifdef __cplusplus
}
#endif

static inline void begin(void)
{
    if (zk_begin_phase)
        zk_begin_phase();
}

static inline void end(void)
{
    if (zk_end_phase)
        zk_end_phase();
}

/* What the program computes with it must not be left out. */
extern volatile long sink;

#endif
