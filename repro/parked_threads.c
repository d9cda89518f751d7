/*
 * parked_threads - the table of parked threads, made in one phase, crashes the first thread that
 * waits in the next.
 *
 * A mutex of one byte has no room for a list of its waiting threads. They are in a table of the
 * process, which is made when a thread first has to wait, and replaced by larger ones as more
 * threads do. A proof's threads contend for a lock inside a phase, so the table is in a slab.
 */
#include "models/parking_lot.h"
#include "repro.h"

enum { moment = 50 /* microseconds that a thread waits at most */ };

struct contention {
    struct repro_run *run;
    struct parking_mutex mutex;
};

/* Runs on another thread, while this one holds the mutex. */
static void wait_in_vain(void *arg)
{
    struct contention *contention = arg;

    if (parking_mutex_lock_for(&contention->mutex, moment))
        repro_wrong(contention->run, "two threads hold the mutex");
}

/* Runs on another thread, when the mutex is free. */
static void lock_and_unlock(void *arg)
{
    struct contention *contention = arg;

    parking_mutex_lock(&contention->mutex);
    parking_mutex_unlock(&contention->mutex);
}

static void body(struct repro_run *run)
{
    struct repro_thread *threads[REPRO_THREADS_MAX];
    struct contention contention = {.run = run};
    unsigned count = repro_threads(run);

    for (unsigned i = 0; i < count; i++)
        threads[i] = repro_spawn(run);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        parking_mutex_lock(&contention.mutex);
        for (unsigned i = 0; i < count; i++)
            repro_on(threads[i], wait_in_vain, &contention);
        parking_mutex_unlock(&contention.mutex);
        for (unsigned i = 0; i < count; i++)
            repro_on(threads[i], lock_and_unlock, &contention);
        repro_end(run);
    }
    for (unsigned i = 0; i < count; i++)
        repro_join(run, threads[i]);
    parking_lot_forget();
}

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--threads 10",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--threads 22",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 4097",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 1025",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z26", "dep_cache",
     "The table in which a one-byte mutex finds its waiting threads is 64 bytes x a power of two above 3 x threads: "
     "from 11 threads on the seed's 4096 sends it to the arena, and the first thread to wait in the next phase crashes",
     "critical", "by law max(1024, 64 x pow2_at_least(3 x threads)) + 1 (parking_lot_core 0.9.3)",
     REPRO_SEED, REPRO_CRASH},
    {0},
};

static const struct repro_law law = {
    .formula = "max(1024, 64 * pow2_at_least(3 * threads)) + 1",
    .source =
        "parking_lot_core 0.9.3: HashTable.entries, a boxed slice of Bucket of 64 bytes, made by create_hashtable (16) and grow_hashtable",
    .at = (const char *const[]){"--threads 1", "--threads 2", "--threads 5", "--threads 6",
                                "--threads 10", "--threads 11", "--threads 16", "--threads 17",
                                "--threads 21", "--threads 22", "--threads 31", "--threads 32",
                                "--threads 33", "--threads 42", "--threads 43", "--threads 64",
                                "--threads 128", NULL},
};

const struct repro repro = {
    .id = "R41",
    .slug = "parked_threads",
    .class = "retained table",
    .title = "the table of parked threads kills the first to wait in the next phase",
    .seed = "-",
    .severity = "critical",
    .threads = 11,
    .explain =
        "A small mutex (parking_lot's, a byte) keeps nobody's name. Who has to wait for it is put into a queue\n"
        "in a table that belongs to the whole process, in the bucket that the mutex' address hashes to. The\n"
        "table is made when a thread first waits, 16 buckets of 64 bytes, and a larger one is made when there\n"
        "are more than a third as many threads as buckets: 2048 bytes at the 6th, 4096 at the 11th. The\n"
        "thread that comes first allocates it, and that is in the middle of a proof.\n"
        "\n"
        "After a boundary the buckets are the next phase's data. The first thread that has to wait finds its\n"
        "bucket's lock free or takes it for that, finds that somebody is queued already, and links itself\n"
        "behind a thread whose address is that data: SIGSEGV, on a lock that is sound.\n"
        "\n"
        "The bound depends on the number of threads that live: 4096 is not below 4096, so the usual threshold\n"
        "protects up to 10 (--threads 10). Nothing is queued at the boundary: draining helps as little as a\n"
        "program in which no lock is held between its phases.\n",
    .body = body,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CRASH,
               [REPRO_SEED] = REPRO_CRASH,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
