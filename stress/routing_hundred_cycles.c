/*
 * routing_hundred_cycles - 100 phases of 200 joins each, and a canary of 64 KiB: with routing, no
 * phase's canary is damaged; without it, every one is.
 */
#include "models/injector_pool.h"
#include "repro.h"

enum { joins = 200, canary_bytes = 64 << 10, flush_joins = 256 };

static void join_times(struct injector_pool *pool, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        injector_pool_join(pool);
}

static void drain(void *pool)
{
    join_times(pool, flush_joins);
}

static void body(struct repro_run *run)
{
    static struct injector_pool pool;

    injector_pool_start(&pool, repro_threads(run));
    repro_on_flush(run, drain, &pool);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            break;
        injector_pool_join(&pool);
        repro_check(run);
        join_times(&pool, joins - 1);
        zk_free(zk_malloc(canary_bytes)); /* the next phase's filler is at least that large */
        repro_end(run);
    }
    injector_pool_stop(&pool);
}

static const struct repro_finding findings[] = {
    {"F7", "phase_api",
     "100 cycles x 200 joins with a 64 KB canary: 0 corrupted with routing (profile seed); without "
     "it every cycle",
     "critical", "fixed by routing from MIN_BYTES 1521 on (crossbeam-deque 0.8.1 to 0.8.7)"},
    {0},
};

const struct repro repro = {
    .id = "S1",
    .slug = "routing_hundred_cycles",
    .class = "job queue block",
    .title = "100 phases of 200 joins, with and without routing",
    .seed = "F7",
    .severity = "critical",
    .explain = "The seed's own stress test of its fix: a hundred phases, two hundred joins from a "
               "thread outside of\n"
               "the pool in each, and a canary of 64 KiB at the start of the next phase. With "
               "blocks of less than\n"
               "4096 bytes routed to the C library, no canary is damaged; with everything in the "
               "arena, every one\n"
               "is (injector_block tells why).\n",
    .body = body,
    .cycles = 100,
    .threads = 4,
    .at_length = "--cycles 2000",
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
};
