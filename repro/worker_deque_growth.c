/*
 * worker_deque_growth - a worker's deque grows inside a phase, and the next phase uses the blocks
 * that this left.
 *
 * The pool is built before any phase, as it should be. Inside a phase, deep recursion makes a
 * worker's deque grow: 64, 128, 256, 512 slots of 16 bytes. When the recursion unwinds it shrinks
 * again, to a new small buffer; the old ones wait in the epoch collector for a later moment to be
 * freed. That new buffer, and the bags in which the others wait, were allocated in the phase.
 */
#include "models/crates.h"
#include "models/pool_team.h"
#include "models/thread_pool.h"
#include "repro.h"

#include <stdlib.h>

static void body(struct repro_run *run)
{
    unsigned long depth = repro_option(run, "depth");
    struct pool *pool;

    crates_choose((enum crates)repro_option(run, "crates"));
    pool = pool_create_ordered(repro_threads(run));
    if (pool == NULL)
        abort();
    repro_team(run, pool_team_reach, pool);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        unsigned long jobs;

        if (!repro_begin(run))
            return;
        jobs = pool_team_recurse(pool, depth);
        if (jobs != depth)
            repro_wrong(run, "%lu of %lu jobs were run", jobs, depth);
        repro_end(run);
    }
    pool_destroy(pool);
}

static const struct repro_option options[] = {
    {"depth", "levels of nested join", 256, 1, 100000, NULL},
    CRATES_OPTION,
    {0},
};

static const struct repro_variant variants[] = {
    /* 64 jobs fit into the buffer that the deque was made with. */
    {"--depth 64", {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    /* Across one in some fifty boundaries, a retired buffer of 4096 bytes waits in a bag: 4096 is
     * not below 4096. */
    {"--cycles 50",
     {REPRO_CRASH, REPRO_CRASH, REPRO_LATENT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"F18", "rayon_deque",
     "A worker's deque grown in a phase leaves its buffer and its collector's bags in the slab",
     "critical", "fixed by routing from MIN_BYTES 2073 on (crossbeam-epoch 0.9.13 to 0.9.20)"},
    {0},
};

const struct repro repro = {
    .id = "R19",
    .slug = "worker_deque_growth",
    .class = "work-stealing deque",
    .title = "a worker's deque grows inside a phase, and the next one finds what it left",
    .seed = "F18",
    .severity = "critical",
    .claim = "512",
    .explain =
        "Each worker of a pool keeps its pending jobs in a deque: a buffer of 64 slots of 16 bytes at first,\n"
        "doubled when it is full, halved when it is less than a quarter full. A join pushes its right half\n"
        "and goes into its left one, so nested joins fill the deque: at depth 65 it grows to 2048 bytes,\n"
        "at 256 it is 4096. When the recursion unwinds it shrinks to 1024 again, each time by a new\n"
        "buffer. A buffer that was replaced may still be read by a thief, so it is not freed but handed to\n"
        "the epoch collector, in a bag; a bag that holds a buffer of 1024 bytes or more is sealed at once,\n"
        "into a queue node of 2072 bytes.\n"
        "\n"
        "All this is allocated by the worker, in the phase. In the next one, the worker pushes jobs into a\n"
        "buffer that is somebody's data, and the collector walks a queue whose nodes are, and calls the\n"
        "functions that it finds in them: a crash at once.\n"
        "\n"
        "The largest of them that matters is the queue node, so MIN_BYTES 2073 is enough, however deep the\n"
        "recursion: the large buffers are garbage, that is only to be freed, and in an arena that is\n"
        "nothing. The pool was built before the first phase; it does not help.\n",
    .body = body,
    .options = options,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = variants,
    .findings = findings,
};
