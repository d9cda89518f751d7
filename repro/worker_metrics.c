/*
 * worker_metrics - an async runtime's counters, allocated in one phase, are written into the next
 * one's data.
 *
 * An async runtime counts what its workers do: how often they parked, how long they were busy. The
 * counters of all workers are one block, allocated with the runtime. Each time a worker parks it
 * stores its sums there; in the next phase that is somebody else's memory.
 */
#include "models/worker_metrics.h"
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { workers_most = 255, nanoseconds = 1000 /* that a worker is busy in each phase */ };

struct runtime {
    struct repro_run *run;
    struct worker_metrics *metrics;
};

/* A worker's core, with its batch. In the real one it is a block of its own, which is not
 * modelled. */
struct core {
    struct runtime *runtime;
    struct repro_thread *thread;
    struct worker_batch batch;
    size_t number;
};

/* On the worker's thread. */
static void start_worker(void *arg)
{
    struct core *core = arg;

    worker_metrics_set_thread(core->runtime->metrics, core->number, core->number + 1);
}

/* Runs on the worker's thread: a task has woken it and is run, and then there is nothing more to
 * do. */
static void run_task(void *arg)
{
    struct core *core = arg;

    worker_batch_unparked(&core->batch);
    worker_batch_busy(&core->batch, nanoseconds);
    worker_batch_park(&core->batch, core->runtime->metrics, core->number);
}

/* Checks what the program shows on its dashboard. */
static void check_metrics(const struct runtime *runtime, size_t workers, unsigned phase)
{
    for (size_t i = 0; i < workers; i++)
        if (worker_metrics_park_count(runtime->metrics, i) != phase + 1 ||
            worker_metrics_busy_nanoseconds(runtime->metrics, i) !=
                (uint64_t)(phase + 1) * nanoseconds)
            repro_wrong(runtime->run, "a counter is not what was stored");
}

static void body(struct repro_run *run)
{
    static struct core cores[workers_most];
    struct runtime runtime = {.run = run};
    size_t workers = repro_option(run, "workers");

    for (size_t i = 0; i < workers; i++)
        cores[i] = (struct core){.runtime = &runtime, .thread = repro_spawn(run), .number = i};
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0) {
            runtime.metrics = worker_metrics_create(workers);
            if (runtime.metrics == NULL)
                abort();
            for (size_t i = 0; i < workers; i++)
                repro_on(cores[i].thread, start_worker, &cores[i]);
        }
        for (size_t i = 0; i < workers; i++)
            repro_on(cores[i].thread, run_task, &cores[i]);
        check_metrics(&runtime, workers, phase);
        repro_end(run);
    }
    for (size_t i = 0; i < workers; i++)
        repro_join(run, cores[i].thread);
    worker_metrics_destroy(runtime.metrics);
}

static const struct repro_option options[] = {
    {"workers", "of the runtime", 32, 1, workers_most, NULL, .counts = "threads"},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--workers 31",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--workers 33",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 4097",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z28", "dep_cache",
     "An async runtime's counters are one block of 128 bytes x workers: from 32 workers on the seed's 4096 sends it to the arena, "
     "and each park of a worker in a later phase writes 24 bytes into somebody's data",
     "critical",
     "by law 128 x workers + 1 (tokio 1.53); by making the runtime before the first phase",
     REPRO_SEED, REPRO_CORRUPT},
    {0},
};

static const struct repro_law law = {
    .formula = "128 * workers + 1",
    .source =
        "tokio 1.53: a boxed slice of WorkerMetrics, which is aligned to 128, one for each worker",
    .at = (const char *const[]){"--workers 1", "--workers 2", "--workers 16", "--workers 17",
                                "--workers 31", "--workers 32", "--workers 33", "--workers 64",
                                "--workers 128", NULL},
};

/* The damage of a number that is stored over filler: its upper bytes are 0, and its lowest ones may
 * equal the filler's by chance. */
static struct repro_damage stored(size_t offset, const uint64_t *numbers, size_t count)
{
    struct repro_damage run = {.offset = offset, .bytes = 8 * count, .known = 8 * count};
    size_t same = 0;

    memcpy(run.last, numbers, 8 * count);
    while (run.last[same] == (REPRO_FILLER & 0xFF))
        same++;
    memmove(run.last, run.last + same, run.bytes - same);
    run.offset += same;
    run.bytes -= same;
    run.known -= same;
    return run;
}

/* tokio's WorkerMetrics, 128 bytes for each worker, has the time that it was busy at 0, how often it parked at 32, and how
 * often it parked and was woken at 40. Each phase adds 1000 ns, one park, and one park and one wake-up. */
static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    uint64_t phases = cycle + 1;
    uint64_t busy = phases * nanoseconds;
    uint64_t counts[2] = {phases, 2 * phases};
    size_t workers = repro_option(run, "workers");

    for (size_t i = 0; i < workers; i++) {
        runs[2 * i] = stored(128 * i, &busy, 1);
        runs[2 * i + 1] = stored(128 * i + 32, counts, 2);
    }
    return 2 * workers;
}

const struct repro repro = {
    .id = "R43",
    .slug = "worker_metrics",
    .class = "retained table",
    .title = "an async runtime's counters, made in one phase, count in the next one's data",
    .seed = "-",
    .severity = "critical",
    .explain =
        "An async runtime (tokio) counts for each of its workers how often it parked and how long it was busy.\n"
        "The counters of a worker are a record of 128 bytes, so that no two share a cache line, and the records\n"
        "of all of them are one block, made with the runtime: 4096 bytes for 32 workers, one for each processor\n"
        "unless the program says otherwise. A program that proves makes its runtime when it first needs one.\n"
        "\n"
        "A worker stores its sums when it is about to park, so each time that it has run out of tasks. After a\n"
        "boundary these 24 bytes are in whatever the next phase has there: a polynomial, a tree's hashes. The\n"
        "runtime itself notices nothing; it never reads what it has stored, and the numbers that the program\n"
        "shows are right as long as nobody else writes there. The damage is silent, and it is all the time.\n"
        "\n"
        "--workers 31 is safe under the usual 4096, 32 is not: 4096 is not below 4096.\n",
    .body = body,
    .damage = damage,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
