/*
 * span_stack_bucket - a table that grows with the number of threads, made in one phase, stops them
 * in the next.
 *
 * A tracing library records the spans that each thread is in. The records are in a table of
 * buckets, each twice as large as the one before; the first thread that needs a bucket allocates
 * it. With more than a hundred threads the last bucket is larger than the usual threshold, and the
 * threads in it find their records overwritten in the next phase.
 */
#include "models/crates.h"
#include "models/span_registry.h"
#include "repro.h"

#include <stdlib.h>

static const struct span_metadata step = {"step", "prover"};

struct tracing {
    struct repro_run *run;
    struct span_registry *registry;
    bool failed; /* the real library panics, and so would the program */
};

static bool asked(struct tracing *tracing, enum span_status got, enum span_status wanted)
{
    if (got == wanted)
        return true;
    repro_wrong(tracing->run, "%s", span_status_text(got));
    tracing->failed = true;
    return false;
}

/* Runs one instrumented function on a thread. */
static void open_and_close(void *arg)
{
    struct tracing *tracing = arg;
    struct span_registry *registry = tracing->registry;
    uint64_t id;
    uint64_t current;

    if (!asked(tracing, span_registry_new_span(registry, &step, &id), SPAN_OK) ||
        !asked(tracing, span_registry_enter(registry, id), SPAN_OK) ||
        !asked(tracing, span_registry_current(registry, &current), SPAN_OK))
        return;
    if (current != id)
        repro_wrong(tracing->run, "the thread is in another span");
    if (asked(tracing, span_registry_exit(registry, id), SPAN_OK))
        asked(tracing, span_registry_close(registry, id), SPAN_CLOSED);
}

static void each_from_the_last(struct tracing *tracing, struct repro_thread **threads,
                               unsigned count)
{
    for (unsigned i = count; i-- > 0 && !tracing->failed;)
        repro_on(threads[i], open_and_close, tracing);
}

/* Numbers of threads belong to the process, not to a registry: here, a registry that exists while
 * the program starts gives them out. So the last thread can be the first one that is traced in a
 * phase, and gets a slab on any machine. */
static void give_numbers(struct tracing *tracing, struct repro_thread **threads, unsigned count)
{
    tracing->registry = span_registry_create();
    if (tracing->registry == NULL)
        abort();
    for (unsigned i = 0; i < count; i++) {
        threads[i] = repro_spawn(tracing->run);
        repro_on(threads[i], open_and_close, tracing);
    }
    span_registry_destroy(tracing->registry);
}

static void body(struct repro_run *run)
{
    struct repro_thread *threads[REPRO_THREADS_MAX];
    struct tracing tracing = {.run = run};
    unsigned count = repro_threads(run);

    crates_choose((enum crates)repro_option(run, "crates"));
    give_numbers(&tracing, threads, count);
    tracing.registry = span_registry_create(); /* before any phase, too */
    if (tracing.registry == NULL)
        abort();
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        each_from_the_last(&tracing, threads, count);
        if (tracing.failed)
            return;
        repro_end(run);
    }
    for (unsigned i = 0; i < count; i++)
        repro_join(run, threads[i]);
}

static const struct repro_option options[] = {
    CRATES_OPTION,
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--threads 128",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--threads 128 --crates 2026",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--threads 127 --crates 2026",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 5120",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 5121",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z31", "dep_cache",
     "A table of what each thread is in doubles with the threads, 40 bytes an entry: "
     "the bucket that the 128th of them makes (the 129th before thread_local 1.1.10) is 5120 bytes, "
     "and in the next phase a thread in it finds its stack of spans borrowed for ever",
     "high",
     "by law max(3072, 40 x a power of two of at most as many as there are threads) + 1 (thread_local 1.1.10)",
     REPRO_SEED, REPRO_CORRUPT},
    {0},
};

static const char *const values[] = {
    "--threads 1",   "--threads 2",   "--threads 16",  "--threads 17",  "--threads 64",
    "--threads 127", "--threads 128", "--threads 129", "--threads 255", NULL};

static const struct repro_law law_2026 = {
    .formula = "max(3072, 40 * pow2_above(threads) / 2) + 1",
    .source = "thread_local 1.1.10: buckets of 1, 2, 4 ... Entry<RefCell<SpanStack>> of 40 bytes; "
              "3072: sharded-slab 0.1.7, the first page of each thread's shard",
    .at = values,
    .arguments = "--crates 2026",
};

static const struct repro_law law = {
    .formula = "max(3072, 40 * pow2_above(max(1, threads - 1)) / 2) + 1",
    .source =
        "thread_local 1.1.4: buckets of 1, 1, 2, 4 ... Entry<RefCell<SpanStack>> of 40 bytes; "
        "3072: sharded-slab 0.1.4, the first page of each thread's shard",
    .at = values,
    .next = &law_2026,
};

const struct repro repro = {
    .id = "R45",
    .slug = "span_stack_bucket",
    .class = "retained table",
    .title = "a table that grows with the threads, made in one phase, stops them in the next",
    .seed = "-",
    .severity = "high",
    .threads = 129,
    .explain =
        "A tracing library keeps for each thread the stack of the spans that it is in. The stacks' headers, 40\n"
        "bytes each, are in a table by the thread's number: buckets of 1, 2, 4, 8 ... entries, so that what has\n"
        "been handed out never moves. A bucket is made by the first thread that is in it, when it first opens\n"
        "a span, and that is in a phase. The bucket for the 128th to the 255th thread (in the crates of Debian\n"
        "12, the default, for the 129th to the 256th) has 128 entries: 5120 bytes.\n"
        "\n"
        "After a boundary the entry of such a thread is the next phase's data: a stack, which is present, and\n"
        "which somebody is said to be changing. The thread's next span is a panic, \"already borrowed\".\n"
        "\n"
        "The usual 4096 covers the table up to 127 threads. 128 are not many on a large server, where a pool\n"
        "has a worker for each processor, and a program more than one pool. With fewer it is the first page\n"
        "of spans, 3072 bytes, that decides (span_registry_pages).\n",
    .body = body,
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
