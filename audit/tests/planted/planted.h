/*
 * planted.h - phases for programs that are audited from outside; they do something only if the
 * library is loaded.
 *
 * In these programs, PLANT and a name mark the line that allocates what is kept across a phase, and STALE and the same
 * name the line that uses it in a later one. After a PLANT name come the size of the block, or ~ if
 * the library decides it, and the function that the line is in (- if it is always inlined).
 * scripts/audit_score.sh compares zk-audit with them.
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

/* Keeps the compiler from removing what the program computes. */
extern volatile long sink;

#endif
