/*
 * injector_block - a job queue's block is in the slab, and the next push writes into recycled
 * bytes.
 *
 * A thread outside a pool hands jobs to it through the injector: a FIFO of linked blocks of 63
 * slots. The last block is kept until it is used up; when it was allocated in a phase, it is kept
 * across the boundary. The first push of the next phase writes its job, 16 bytes, and one bit of
 * the slot's state into whatever lies there now: 17 bytes in a row. Real worker threads take the
 * jobs, and find them as they were written: nothing fails, but somebody else's data is damaged.
 */
#include "injector_joins.h"

static void join_times(struct injector_pool *pool, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        injector_pool_join(pool);
}

static void drain(void *arg)
{
    join_times(arg, flush_joins);
}

static void body(struct repro_run *run)
{
    static struct injector_pool pool;

    injector_pool_start(&pool, repro_threads(run));
    repro_on_flush(run, drain, &pool);
    join_times(&pool, first_joins);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            break;
        injector_pool_join(&pool); /* the push goes into the block of the phase before */
        repro_check(run);
        join_times(&pool, joins - 1);
        repro_end(run);
    }
    injector_pool_stop(&pool);
}

static const struct repro_law law = {
    .formula = "8 + 63 * 24 + 1",
    .source =
        "a pointer and 63 slots: a job of 16 bytes and its state of 8 (Block, crossbeam-deque 0.8.1 to 0.8.7)",
    .at = (const char *const[]){"", NULL},
};

static const struct repro_finding findings[] = {
    {"F1", "rayon_injector",
     "A job-queue block made in a phase lies in the slab; the next push from a non-worker thread writes one job into recycled bytes",
     "critical",
     "fixed by routing from MIN_BYTES 1521 on (crossbeam-deque 0.8.1 to 0.8.7); by draining the queue at each end"},
    {0},
};

const struct repro repro = {
    .id = "R1",
    .slug = "injector_block",
    .class = "job queue block",
    .title = "a job queue pushes into the block that it kept from the phase before",
    .seed = "F1",
    .severity = "critical",
    .claim = "512",
    .explain =
        "A thread that is not a worker hands its jobs to a thread pool through the injector, a queue of\n"
        "linked blocks: 1520 bytes each, a next pointer and 63 slots of 24 bytes. The push that fills the\n"
        "last slot allocates the next block, and the consumer of the last slot frees the old one, so there\n"
        "is always one block in use, mostly half full.\n"
        "\n"
        "When that block was allocated inside a phase, it lies in the slab. The next begin rewinds the\n"
        "slab; the new phase's first allocation lands on the block; and the queue, which knows nothing of\n"
        "phases, pushes its next job into it: 16 bytes of job, and one bit of the slot's state. The worker\n"
        "reads the job back at once and runs it. Nothing fails, but 17 bytes of a polynomial, or of a\n"
        "table, or of a proof, are now two pointers.\n"
        "\n"
        "Here every phase makes 63 joins, so every boundary finds a half-full block. The filler covers\n"
        "what the phase before used, and the damage is one run of 17 bytes in every cycle.\n"
        "\n"
        "The seed of this project took the block for 520 bytes, and 512 for a safe threshold. 1520-byte\n"
        "blocks stay out of the arena from MIN_BYTES 1521 on. Draining the queue at each end (256 empty\n"
        "joins, profile flush) leaves a block that came from the C library, and helps as well.\n",
    .body = body,
    .damage = injector_damage,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
    .law = &law,
};
