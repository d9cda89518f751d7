/*
 * begin_at.c - begins a phase when the program enters one function, and ends it when it enters another, without the
 * program's knowledge.
 */
#include "entry.h"
#include "phase.h"
#include "record.h"
#include "zkalloc.h"

static void begin(void *arg)
{
    (void)arg;
    zk_record(false);
    zk_phase_cross(true);
}

static void end(void *arg)
{
    (void)arg;
    zk_record(true);
    zk_phase_cross(false);
}

/* Runs when the library and everything that phases need are loaded. */
__attribute__((constructor(103))) static void start(void)
{
    static const struct zk_entry entries[] = {{"ZK_ALLOC_BEGIN_AT", begin},
                                              {"ZK_ALLOC_END_AT", end}};

    zk_record_start();
    zk_entries_start(entries, sizeof entries / sizeof *entries);
}

__attribute__((destructor)) static void note_allocations(void)
{
    struct zk_stats stats;

    if (zk_stats(&stats) == 0)
        zk_record_allocations(stats.arena_count + stats.system_count);
}
