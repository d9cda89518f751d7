/*
 * phase.h - the phase that the process is in.
 */
#ifndef ZK_PHASE_H
#define ZK_PHASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct thread;

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

/* A boundary where the program did not ask for one: the active phase is over, and the next one begins,
 * or none does. Hooks are not run: the thread is inside malloc. */
void zk_phase_cross(bool begin);

/* Ends the phase that a guard began, when the phase word was `word`; nothing, if that phase is over
 * already. An orphan, one whose frame is gone, is counted, and left alone under nesting=recycle. */
void zk_phase_end_guarded(uint64_t word, bool orphan);

/* The thread goes; a phase that it began and did not end is abandoned. */
void zk_phase_thread_ends(const struct thread *thread);

/* Around fork; see fork.c. */
void zk_phase_fork_prepare(void);
void zk_phase_fork_parent(void);
void zk_phase_fork_child(void);

#endif
