/*
 * phase.h - the phase that the process is in.
 */
#ifndef ZK_PHASE_H
#define ZK_PHASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Twice the generation, plus 1 while the phase is active. Generation 0 is the time before the first
 * phase. */
extern __attribute__((visibility("hidden"))) _Atomic uint64_t zk_phase_word;

static inline bool zk_phase_word_active(uint64_t word)
{
    return word % 2 != 0;
}

/* Is a phase active? Acquire: pairs with the store in set_word, so that the settings can be read.
 * While no phase is active, another thread may be writing them. */
static inline bool zk_phase_active(void)
{
    return zk_phase_word_active(atomic_load_explicit(&zk_phase_word, memory_order_acquire));
}

/* Counts since the start of the process; guarded by the phase lock. */
struct phase_counts {
    uint64_t phases;
    uint64_t orphans;
    uint64_t retained_count;
};
struct phase_counts zk_phase_counts(void);

/* If chaos wants a boundary here, makes one that the program did not ask for: ends the active phase, and begins
 * the next one or none. The program's own view of its phases does not change. Runs no hooks, since the thread is
 * inside malloc. Never waits: if the lock is taken, does nothing. */
void zk_phase_cross_if_due(void);

/* A boundary at the entry to one of the program's functions (preload/begin_at.c): ends the active phase, and begins the
 * next one or none. The program's own view of its phases does not change, and no hooks run, since this is called in a
 * signal handler. Only where we replace malloc. */
void zk_phase_cross(bool begin);

/* The number of the program's latest begin that started a phase. */
uint64_t zk_phase_number(void);

/* Ends the phase of that number, which a guard began, unless it is over already. An orphan, one whose
 * guard's frame is gone, is counted too; but under nesting=recycle it is left alone. */
void zk_phase_end_guarded(uint64_t number, bool orphan);

/* The thread with this token ends: a phase that it began and did not end becomes ownerless. Never waits. */
void zk_phase_thread_ends(uintptr_t token);

/* For observers: does what is due in the child of a fork, if that has not been done yet. */
void zk_phase_child_check(void);

/* Called when the library is loaded, where we replace malloc. */
void zk_phase_load(void);

#endif
