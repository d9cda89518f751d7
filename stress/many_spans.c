/*
 * many_spans - several threads, each with hundreds of spans alive at once, in every phase.
 */
#include "models/span_registry.h"
#include "repro.h"

#include <stdlib.h>

enum { spans_most = 4096 };

static const struct span_metadata step = {"step", "prover"};

struct tracer {
    struct repro_run *run;
    struct span_registry *registry;
    size_t count;
    bool failed;
    uint64_t ids[spans_most];
};

static void open_and_close(void *arg)
{
    struct tracer *tracer = arg;

    for (size_t i = 0; i < tracer->count && !tracer->failed; i++)
        tracer->failed =
            span_registry_new_span(tracer->registry, &step, &tracer->ids[i]) != SPAN_OK ||
            span_registry_enter(tracer->registry, tracer->ids[i]) != SPAN_OK;
    for (size_t i = tracer->count; i-- > 0 && !tracer->failed;)
        tracer->failed = span_registry_exit(tracer->registry, tracer->ids[i]) != SPAN_OK ||
                         span_registry_close(tracer->registry, tracer->ids[i]) != SPAN_CLOSED;
    if (tracer->failed)
        repro_wrong(tracer->run, "the registry panicked");
}

static void body(struct repro_run *run)
{
    struct span_registry *registry = span_registry_create();
    unsigned threads = repro_threads(run);
    struct tracer *tracers = calloc(threads, sizeof *tracers);
    struct repro_thread **handles = calloc(threads, sizeof(struct repro_thread *));

    if (registry == NULL || tracers == NULL || handles == NULL)
        abort();
    for (unsigned i = 0; i < threads; i++) {
        tracers[i] =
            (struct tracer){.run = run, .registry = registry, .count = repro_option(run, "spans")};
        handles[i] = repro_spawn(run);
    }
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        for (unsigned i = 0; i < threads; i++) {
            repro_on(handles[i], open_and_close, &tracers[i]);
            if (tracers[i].failed)
                return;
        }
        repro_end(run);
    }
    for (unsigned i = 0; i < threads; i++)
        repro_join(run, handles[i]);
    free(handles);
    free(tracers);
    /* The registry is never freed. */
}

static const struct repro_option options[] = {
    {"spans", "spans alive at once on each thread", 512, 1, spans_most, NULL},
    {0},
};

const struct repro repro = {
    .id = "S4",
    .slug = "many_spans",
    .class = "pooled capacity",
    .title = "several threads, each with hundreds of spans alive at once",
    .seed = "F14",
    .severity = "critical",
    .explain = "span_registry_pages on several threads: each has a shard of its own, with pages of "
               "its own, in its\n"
               "own slab. The spans have no extensions here, so the shard and the stack of spans "
               "are what is left\n"
               "to go wrong.\n",
    .body = body,
    .options = options,
    .cycles = 8, /* each phase gives up a page, and the next page is twice as large */
    .threads = 3,
    .at_length = "--spans 2000",
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_LATENT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
