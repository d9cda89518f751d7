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

/* Counted since the beginning, under the phase lock. */
struct phase_counts {
    uint64_t phases;
    uint64_t orphans;
    uint64_t retained_count;
};
struct phase_counts zk_phase_counts(void);

/* Ends one guarded phase whose frame is gone. No error: it may be over already. */
void zk_phase_end_orphan(void);

/* The thread goes; a phase that it began and did not end is abandoned. */
void zk_phase_thread_ends(const struct thread *thread);

#endif
