/*
 * concurrent_phase_calls - four threads begin, allocate, free and end in any order: the allocator
 * survives.
 *
 * The contents of their blocks are not checked, since blind recycling may hand a block to several
 * threads. The allocator's own state must be right: every block is where blocks can be, sizes are
 * at least what was asked for, and the counts add up when all threads are done.
 */
#include "repro.h"

#include <pthread.h>
#include <stdlib.h>

enum { callers = 4, rounds = 500, blocks = 8 };

struct caller {
    struct repro_run *run;
    unsigned seed;
};

static void check_block(struct repro_run *run, void *block, size_t size)
{
    size_t usable = zk_usable_size(block);

    if (block == NULL || usable < size)
        repro_wrong(run, "a block is smaller than was asked for");
    else if (zk_owns(block) && !zk_owns((char *)block + usable - 1))
        repro_wrong(run, "a block leads out of the arena");
}

static void *call_at_will(void *arg)
{
    struct caller *caller = arg;

    for (int round = 0; round < rounds; round++) {
        bool begun = zk_begin_phase() == 0;

        for (int i = 0; i < blocks; i++) {
            size_t size = (size_t)rand_r(&caller->seed) % 20000 + 1;
            void *block = zk_malloc(size);

            check_block(caller->run, block, size);
            zk_free(block);
        }
        if (begun)
            zk_end_phase(); /* another thread may have done so already */
    }
    return NULL;
}

static void check_quiet(struct repro_run *run)
{
    struct zk_stats stats;

    zk_stats(&stats);
    if (stats.arena_count + stats.system_count < (uint64_t)callers * rounds * blocks)
        repro_wrong(run, "blocks are not counted");
    zk_reset_stats();
}

static void body(struct repro_run *run)
{
    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        pthread_t threads[callers];
        struct caller caller[callers];

        repro_cycle(run);
        for (unsigned i = 0; i < callers; i++) {
            caller[i] = (struct caller){run, cycle * callers + i + 1};
            if (pthread_create(&threads[i], NULL, call_at_will, &caller[i]) != 0)
                abort();
        }
        for (unsigned i = 0; i < callers; i++)
            pthread_join(threads[i], NULL);
        check_quiet(run);
    }
}

const struct repro repro = {
    .id = "S5",
    .slug = "concurrent_phase_calls",
    .class = "phase calls",
    .title = "four threads begin, allocate and end as they like",
    .seed = "F19",
    .severity = "info",
    .explain = "Calls of begin and end from several threads corrupt each other's data "
               "(two_thread_phases), but must\n"
               "not corrupt the allocator. Four threads make 500 rounds of begin, eight blocks, "
               "end, each cycle;\n"
               "5,000 rounds in ten. Run under ThreadSanitizer as well (preset tsan).\n",
    .body = body,
    .cycles = 10,
    .at_length = "--cycles 200",
    .expect = {[REPRO_NONE] = REPRO_CLEAN,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
