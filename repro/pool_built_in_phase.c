/*
 * pool_built_in_phase - a thread pool built inside a phase crashes in the next.
 *
 * A program makes its thread pool when it first needs it, which is in the middle of its first
 * proof. Everything that the pool keeps for its life is in slabs: registry, deques, sleep states
 * and injector block in the slab of the thread that built it, epoch records and queue blocks in
 * those of the workers.
 */
#include "models/crates.h"
#include "models/pool_team.h"
#include "models/thread_pool.h"
#include "repro.h"

#include <stdlib.h>

/* Depths of nested joins: shallow ones fit into a new deque; deep ones make it grow, and make the
 * collector read every worker's record. */
enum { shallow = 32, deep = 100 };
enum { CALLER_WAITS, CALLER_WORKS };

static void use(struct repro_run *run, struct pool *pool, unsigned long depth)
{
    if (pool_team_recurse(pool, depth) != depth)
        repro_wrong(run, "a job was lost");
}

/* If the caller is a worker of the pool, the call returns as soon as the work is done: the other
 * workers may not be asleep yet. */
static void reach_and_wait(void *pool, void (*act)(void *arg), void *arg)
{
    pool_team_reach(pool, act, arg);
    pool_wait_idle(pool);
}

/* Makes a pool of which this thread is a worker, for good: so there is only one pool. */
static void take_in_caller(struct repro_run *run)
{
    struct pool *pool = NULL;

    if (crates_chosen() != CRATES_2026)
        repro_skip(run, "rayon has no use_current_thread before 1.8: say --crates 2026");
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0)
            pool = pool_create_with_caller(repro_option(run, "pool-threads"));
        if (pool == NULL)
            abort();
        repro_team(run, reach_and_wait, pool);
        use(run, pool, deep); /* on this thread */
        pool_wait_idle(pool);
        repro_end(run);
    }
    pool_destroy(pool);
}

static void build_many(struct repro_run *run)
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
        use(run, pool, shallow);
        repro_end(run);

        repro_team(run, pool_team_reach, pool);
        if (!repro_begin(run))
            return;
        use(run, pool, shallow);
        pool_destroy(pool);
        repro_end(run);
    }
}

static void body(struct repro_run *run)
{
    crates_choose((enum crates)repro_option(run, "crates"));
    if (repro_option(run, "caller") == CALLER_WORKS)
        take_in_caller(run);
    else
        build_many(run);
}

static const char *const callers[] = {"waits", "works", NULL};

static const struct repro_option options[] = {
    {"pool-threads", "workers of the pool", 4, 1, 255, NULL, "threads"},
    CRATES_OPTION,
    {"caller", "use_current_thread: who makes the pool works in it", CALLER_WAITS, 0, 0, callers},
    {0},
};

static const char *const law_at[] = {"--pool-threads 1",   "--pool-threads 2",
                                     "--pool-threads 4",   "--pool-threads 16",
                                     "--pool-threads 17",  "--pool-threads 18",
                                     "--pool-threads 19",  "--pool-threads 31",
                                     "--pool-threads 32",  "--pool-threads 33",
                                     "--pool-threads 64",  "--pool-threads 65",
                                     "--pool-threads 128", NULL};

/* The same, with the maker in the pool. */
static const char *const law_2026_at[] = {"--pool-threads 1",
                                          "--pool-threads 2",
                                          "--pool-threads 4",
                                          "--pool-threads 16",
                                          "--pool-threads 17",
                                          "--pool-threads 18",
                                          "--pool-threads 19",
                                          "--pool-threads 31",
                                          "--pool-threads 32",
                                          "--pool-threads 33",
                                          "--pool-threads 64",
                                          "--pool-threads 65",
                                          "--pool-threads 128",
                                          "--pool-threads 4 --caller works",
                                          "--pool-threads 32 --caller works",
                                          NULL};

static const struct repro_law law_2026 = {
    .formula = "max(2304, 128 * pool_threads) + 1",
    .source =
        "2304: a worker's epoch record, its epoch on two cache lines of its own (Local, crossbeam-epoch 0.9.16 to 0.9.20); "
        "128 for each worker: its sleep state on two cache lines of its own, all in one block (Sleep, rayon-core 1.13)",
    .at = law_2026_at,
    .arguments = "--crates 2026",
};

static const struct repro_law law = {
    .formula = "max(2104, 128 * pool_threads) + 1",
    .source =
        "2104: a worker's epoch record (Local, crossbeam-epoch 0.9.13); "
        "128 for each worker: its sleep state on two cache lines of its own, all in one block (Sleep, rayon-core 1.10.1)",
    .at = law_at,
    .next = &law_2026,
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--pool-threads 31",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    /* 128 x 32 is 4096, which is not below 4096. */
    {"--pool-threads 32",
     {REPRO_CRASH, REPRO_CRASH, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    /* From 17 workers on, the bound of a small pool does not hold. */
    {"--pool-threads 17 --min-bytes 2105",
     {REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {"--pool-threads 17 --min-bytes 2177",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026 --min-bytes 2105",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026 --min-bytes 2305",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026 --pool-threads 32",
     {REPRO_CRASH, REPRO_CRASH, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026 --caller works",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026 --caller works --min-bytes 2105",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"F21", "rayon_pool",
     "A thread pool built inside a phase crashes in the next; built before any phase it survives",
     "critical",
     "fixed by routing from MIN_BYTES max(2104, 128 x workers) + 1 on (rayon-core 1.10.1): "
     "2105 for up to 16 workers, 4097 for 32, 8193 for 64; by building the pool before the first phase"},
    {"F21b", "rayon_pool",
     "A pool of 32 workers hangs under the seed's default of 4096: 128 bytes of sleep state for each worker lie in one block, "
     "which is the largest from 17 workers on, and at 32 it is exactly 4096, which is not below 4096; "
     "rayon builds its global pool at the first par_iter, with a worker for each processor",
     "critical",
     "fixed by routing from MIN_BYTES 128 x workers + 1 on, for 17 workers and more: 4097 for 32, 8193 for 64; "
     "31 workers need 3969 (rayon-core 1.10.1 to 1.13)",
     REPRO_SEED, REPRO_HANG, "--pool-threads 32"},
    {"F21c", "rayon_pool",
     "Since crossbeam-epoch 0.9.16 a thread's epoch record has 2304 bytes (2104 in Debian 12's 0.9.13), "
     "so the bound of a small pool, 2105, is not enough any more",
     "high",
     "fixed by routing from MIN_BYTES max(2304, 128 x workers) + 1 on (rayon-core 1.13): 2305 for up to 18 workers",
     REPRO_ROUTE, 0, "--crates 2026 --min-bytes 2105"},
    {"F21d", "rayon_pool",
     "With use_current_thread (rayon 1.8 and later) the thread that makes the pool is a worker for as long as it lives: "
     "its record of 384 bytes, its spawn queue's block of 1520 and the registry are never freed",
     "high", "fixed by routing from MIN_BYTES 2305 on, for up to 18 workers", REPRO_NONE, 0,
     "--crates 2026 --caller works"},
    {"Z1", "phase_api",
     "MIN_BYTES 512 and 1024, said to be safe, are not: without the queue drain injector blocks (1520 bytes), "
     "epoch bags (2072) and records (2104), and thread pools are all still retained in recycled memory",
     "critical",
     "from MIN_BYTES 2105 on for these, with the crates of Debian 12 (crossbeam-epoch 0.9.13) and up to 16 workers; "
     "larger pools need 128 x workers + 1 (F21b): 4096 is not enough from 32 workers on"},
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
        "Thread pools are built when they are first needed, and that is often in the middle of a proof: rayon\n"
        "builds its global one at the first par_iter, with a worker for each processor. A pool of four workers\n"
        "allocates some forty blocks on the way, from 16 to 2104 bytes: a registry, a deque and its buffer for\n"
        "each worker and another for its broadcasts, sleep states, the injector's first block; and on the\n"
        "workers' own threads, an epoch record each. All of it is kept for the life of the pool, and all of it\n"
        "lies in slabs.\n"
        "\n"
        "In the next phase the pool is used. The thread that built it has overwritten the registry, and the\n"
        "workers that wake up run on filler: wrong counts, wrong addresses, a crash at once.\n"
        "\n"
        "Routing keeps the blocks out, and from which MIN_BYTES on is a law: max(2104, 128 x workers) + 1. Up to\n"
        "16 workers the largest block is the epoch record of 2104 bytes. From 17 on it is the sleep states, 128\n"
        "bytes for each worker in one block: 2176 for 17, and 4096 for 32. A pool of 31 survives the usual\n"
        "threshold of 4096, one of 32 does not, as 4096 is not below 4096: a worker waits for a lock that is\n"
        "filler, and the program hangs. 64 workers need 8193. The seed says 512. Building the pool before the\n"
        "first phase helps at any size (pool_built_before_phase).\n"
        "\n"
        "These are the crates of Debian 12 (rayon-core 1.10.1, crossbeam-epoch 0.9.13), the default. Since\n"
        "crossbeam-epoch 0.9.16 the record has 2304 bytes, and a pool of up to 18 workers needs 2305; the sleep\n"
        "states are the same (--crates 2026). Since rayon 1.8 the thread that makes a pool can be a worker of it\n"
        "(use_current_thread; --crates 2026 --caller works): it is one for good, and its part is never freed.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
