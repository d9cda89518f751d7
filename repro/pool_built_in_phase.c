/*
 * pool_built_in_phase - a thread pool built inside a phase crashes in the next.
 *
 * A program makes its thread pool when it first needs it, which is in the middle of its first
 * proof. All that the pool keeps for its life lies in slabs: registry, deques, sleep states and
 * injector block in the slab of the thread that built it, epoch records and queue blocks in those
 * of the workers.
 */
#include "models/pool_team.h"
#include "models/thread_pool.h"
#include "repro.h"

#include <stdlib.h>

enum { depth = 32 }; /* fits into the deque as it is made */

static void use(struct repro_run *run, struct pool *pool)
{
    if (pool_team_recurse(pool, depth) != depth)
        repro_wrong(run, "a job was lost");
}

static void body(struct repro_run *run)
{
    for (unsigned cycle = 0; cycle < repro_cycles(run); cycle++) {
        struct pool *pool;

        repro_cycle(run);
        repro_team(run, NULL, NULL);
        if (!repro_begin(run))
            return;
        pool = pool_create_ordered(repro_option(run, "pool-threads"));
        if (pool == NULL)
            abort();
        use(run, pool);
        repro_end(run);

        repro_team(run, pool_team_reach, pool);
        if (!repro_begin(run))
            return;
        use(run, pool);
        pool_destroy(pool);
        repro_end(run);
    }
}

static const struct repro_option options[] = {
    {"pool-threads", "workers of the pool", 4, 1, 255, NULL, "threads"},
    {0},
};

static const char *const law_at[] = {"--pool-threads 1",  "--pool-threads 2",   "--pool-threads 4",
                                     "--pool-threads 16", "--pool-threads 17",  "--pool-threads 31",
                                     "--pool-threads 32", "--pool-threads 33",  "--pool-threads 64",
                                     "--pool-threads 65", "--pool-threads 128", NULL};

static const struct repro_law law = {
    .formula = "max(2104, 128 * pool_threads) + 1",
    .source =
        "2104: a worker's epoch record (crossbeam-epoch 0.9.13); 128 for each worker: its sleep "
        "state, padded to two cache lines, all in one block (rayon-core 1.10.1)",
    .at = law_at,
};

static const struct repro_finding findings[] = {
    {"F21", "rayon_pool",
     "A thread pool built inside a phase crashes in the next; built before any phase it survives",
     "critical",
     "fixed by routing from MIN_BYTES 2105 on; by building the pool before the first phase"},
    {"Z1", "phase_api",
     "MIN_BYTES 512 and 1024, said to be safe, are not: without the queue drain injector blocks "
     "(1520 bytes), "
     "epoch bags (2072) and records (2104), and thread pools are all still retained in recycled "
     "memory",
     "critical", "MIN_BYTES 2105 for these; 4096 covers them"},
    {0},
};

const struct repro repro = {
    .id = "R21",
    .slug = "pool_built_in_phase",
    .class = "thread pool",
    .title = "a thread pool built inside a phase crashes in the next",
    .seed = "F21",
    .severity = "critical",
    .claim = "512",
    .explain =
        "Thread pools are built when they are first needed, and that is often in the middle of a "
        "proof. A\n"
        "pool of four workers allocates some forty blocks on the way, from 16 to 2104 bytes: a "
        "registry, a\n"
        "deque and its buffer for each worker and another for its broadcasts, sleep states, the "
        "injector's\n"
        "first block; and on the workers' own threads, an epoch record each. All of it is kept for "
        "the life\n"
        "of the pool, and all of it lies in slabs.\n"
        "\n"
        "In the next phase the pool is used. The thread that built it has overwritten the "
        "registry, and\n"
        "the workers that wake up run on filler: wrong counts, wrong addresses, a crash at once.\n"
        "\n"
        "Routing keeps the blocks out, from 2105 on: the largest is the epoch record of 2104 "
        "bytes. Below\n"
        "that something is always left; 512 and 1024, which the seed calls safe, are not. Building "
        "the\n"
        "pool before the first phase helps as well (pool_built_before_phase).\n",
    .body = body,
    .options = options,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
