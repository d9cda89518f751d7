/*
 * phase.h - the phase that the process is in.
 */
#ifndef ZK_PHASE_H
#define ZK_PHASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Twice the generation, plus 1 while the phase is active. Generation 0 is the time before the
 * first. */
extern _Atomic uint64_t zk_phase_word;

static inline bool zk_phase_word_active(uint64_t word)
{
    return word % 2 != 0;
}

/* Is a phase active? Acquire: pairs with the store in set_word, so that the settings are there to
 * be read. While none is, somebody may be writing them. */
static inline bool zk_phase_active(void)
{
    return zk_phase_word_active(atomic_load_explicit(&zk_phase_word, memory_order_acquire));
}

/* Counted since the beginning, under the phase lock. */
struct phase_counts {
    uint64_t phases;
    uint64_t orphans;
    uint64_t retained_count;
};
struct phase_counts zk_phase_counts(void);

/* A boundary where the program did not ask for one, if chaos wants one and nobody else is at it: the active
 * phase is over, and the next one begins, or none does. The program's own view of its phases stays. Hooks are not
 * run: the thread is inside malloc. Waits for nobody. */
void zk_phase_cross_if_due(void);

/* A boundary at a function that the program enters: the active phase is over, and the next one begins, or none does. The
 * program's own view of its phases stays, and hooks are not run: it is called in a signal handler. Where we are malloc. */
void zk_phase_cross(bool begin);

/* Of the program's begins that started a phase, the latest. */
uint64_t zk_phase_number(void);

/* Ends the phase of that number, which a guard began; nothing, if it is over already. An orphan, one whose
 * frame is gone, is counted, and left alone under nesting=recycle. */
void zk_phase_end_guarded(uint64_t number, bool orphan);

/* The thread with this token goes; a phase that it began and did not end is abandoned. Waits for nobody. */
void zk_phase_thread_ends(uintptr_t token);

/* Attended: notices that this is the child of a fork, if nobody has. */
void zk_phase_child_check(void);

/* When the library is loaded; where we are malloc. */
void zk_phase_load(void);

#endif
