/*
 * injector_block - a job queue's block lies in the slab, and the next push writes into recycled
 * bytes.
 *
 * A thread outside a pool hands jobs to it through the injector: a FIFO of linked blocks of 63
 * slots. The last block is kept until it is used up; when it was allocated in a phase, it is kept
 * across the boundary. The first push of the next phase writes its job, 16 bytes, and one bit of
 * the slot's state into whatever lies there now: 17 bytes in a row. Real worker threads take the
 * jobs, and find them as they were written: nothing fails, but somebody else's data.
 */
#include "models/injector.h"
#include "repro.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

enum {
    first_joins = 20,            /* so that the block in use at a boundary is used in part ... */
    joins = INJECTOR_BLOCK_JOBS, /* ... and a new one is allocated in each phase */
    flush_joins = 256,           /* what the seed's queue drain does */
    threads_max = 256,
};

struct pool {
    struct injector queue;
    sem_t pushed;
    pthread_t workers[threads_max];
    unsigned count;
};

struct latch {
    sem_t set;
    bool stop; /* the worker that runs this is to end */
};

static void set_latch(void *data)
{
    struct latch *latch = data;

    sem_post(&latch->set);
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    bool stop = false;

    while (!stop) {
        struct job job;
        enum steal got;

        while (sem_wait(&pool->pushed) != 0)
            continue;
        do {
            got = injector_steal(&pool->queue, &job);
        } while (got != STEAL_SUCCESS);
        stop = ((struct latch *)job.data)->stop; /* read before the latch lets its owner go on */
        job.run(job.data);
    }
    return NULL;
}

/* What join does on a thread that is not a worker: push one job, wait until it has run. */
static void join(struct pool *pool, bool stop)
{
    struct latch latch = {.stop = stop};

    sem_init(&latch.set, 0, 0);
    injector_push(&pool->queue, (struct job){&latch, set_latch});
    sem_post(&pool->pushed);
    while (sem_wait(&latch.set) != 0)
        continue;
    sem_destroy(&latch.set);
}

static void join_times(struct pool *pool, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        join(pool, false);
}

static void drain(void *arg)
{
    join_times(arg, flush_joins);
}

static void start_pool(struct pool *pool, unsigned threads)
{
    injector_init(&pool->queue);
    sem_init(&pool->pushed, 0, 0);
    for (pool->count = 0; pool->count < threads; pool->count++)
        if (pthread_create(&pool->workers[pool->count], NULL, work, pool) != 0)
            abort();
}

static void stop_pool(struct pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        join(pool, true);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->workers[i], NULL);
    injector_deinit(&pool->queue);
}

static void body(struct repro_run *run)
{
    static struct pool pool;

    start_pool(&pool, repro_threads(run));
    repro_on_flush(run, drain, &pool);
    join_times(&pool, first_joins);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            break;
        join(&pool, false); /* the push goes into the block of the phase before */
        repro_check(run);
        join_times(&pool, joins - 1);
        repro_end(run);
    }
    stop_pool(&pool);
}

static const struct repro_finding findings[] = {
    {"F1", "rayon_injector",
     "A job-queue block made in a phase lies in the slab; the next push from a non-worker thread "
     "writes one "
     "job into recycled bytes",
     "critical", "fixed by routing from MIN_BYTES 1521 on; by draining the queue at each end"},
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
        "A thread that is not a worker hands its jobs to a thread pool through the injector, a "
        "queue of\n"
        "linked blocks: 1520 bytes each, a next pointer and 63 slots of 24 bytes. The push that "
        "fills the\n"
        "last slot allocates the next block, and the consumer of the last slot frees the old one, "
        "so there\n"
        "is always one block in use, mostly half full.\n"
        "\n"
        "When that block was allocated inside a phase, it lies in the slab. The next begin rewinds "
        "the\n"
        "slab; the new phase's first allocation lands on the block; and the queue, which knows "
        "nothing of\n"
        "phases, pushes its next job into it: 16 bytes of job, and one bit of the slot's state. "
        "The worker\n"
        "reads the job back at once and runs it. Nothing fails, but 17 bytes of a polynomial, or "
        "of a\n"
        "table, or of a proof, are now two pointers.\n"
        "\n"
        "Here every phase makes 63 joins, so every boundary finds a half-full block. The filler "
        "covers\n"
        "what the phase before used, and the damage is one run of 17 bytes in every cycle.\n"
        "\n"
        "The seed of this project took the block for 520 bytes, and 512 for a safe threshold. "
        "1520-byte\n"
        "blocks stay out of the arena from MIN_BYTES 1521 on. Draining the queue at each end (256 "
        "empty\n"
        "joins, profile flush) leaves a block that came from the C library, and helps as well.\n",
    .body = body,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
};
