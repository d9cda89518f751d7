/*
 * span_registry_pages - a logging registry's pages, made in one phase, hold the spans of the next.
 *
 * A tracing library keeps its spans in slots, in pages that double: 3072 bytes for the first 32
 * slots, 6144 for the next 64, and so on. A page is allocated when the number of live spans first
 * reaches it, and never freed. So the pages that the first phase needed are in the slab, with their
 * free lists, when the next phase opens its spans.
 */
#include "models/crates.h"
#include "models/span_registry.h"
#include "repro.h"

#include <stdlib.h>

enum { spans_most = 4096 };

static const struct span_metadata step = {"step", "prover"};
static const struct span_extension_type timing = {.id = 0x71, .value_bytes = 16};

struct spans {
    struct repro_run *run;
    struct span_registry *registry;
    size_t count;
    uint64_t ids[spans_most];
};

/* False, and the cycle counts as corrupt, if the registry's status is not the wanted one. */
static bool asked(struct spans *spans, enum span_status got, enum span_status wanted)
{
    if (got != wanted)
        repro_wrong(spans->run, "%s", span_status_text(got));
    return got == wanted;
}

/* Opens a span as instrumented code does: makes it, enters it, stores an extension, and reads that
 * back. */
static bool open_span(struct spans *spans, size_t i)
{
    const uint64_t value[2] = {i, ~(uint64_t)i};
    uint64_t found[2] = {0, 0};

    if (!asked(spans, span_registry_new_span(spans->registry, &step, &spans->ids[i]), SPAN_OK) ||
        !asked(spans, span_registry_enter(spans->registry, spans->ids[i]), SPAN_OK) ||
        !asked(spans,
               span_registry_insert_extension(spans->registry, spans->ids[i], &timing, value),
               SPAN_OK) ||
        !asked(spans, span_registry_get_extension(spans->registry, spans->ids[i], &timing, found),
               SPAN_OK))
        return false;
    if (found[0] == value[0] && found[1] == value[1])
        return true;
    repro_wrong(spans->run, "a span's extension is another");
    return false;
}

static bool close_span(struct spans *spans, size_t i)
{
    return asked(spans, span_registry_exit(spans->registry, spans->ids[i]), SPAN_OK) &&
           asked(spans, span_registry_close(spans->registry, spans->ids[i]), SPAN_CLOSED);
}

/* All spans of a phase, alive at once, the innermost closed first. */
static bool open_and_close(struct spans *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!open_span(spans, i))
            return false;
    for (size_t i = count; i-- > 0;)
        if (!close_span(spans, i))
            return false;
    return true;
}

/* Spans that nobody enters, and with which no layer stores anything: they only need pages. */
static bool warm_pages(struct spans *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!asked(spans, span_registry_new_span(spans->registry, &step, &spans->ids[i]), SPAN_OK))
            return false;
    for (size_t i = count; i-- > 0;)
        if (!asked(spans, span_registry_close(spans->registry, spans->ids[i]), SPAN_CLOSED))
            return false;
    return true;
}

static void body(struct repro_run *run)
{
    static struct spans spans;

    crates_choose((enum crates)repro_option(run, "crates"));
    spans = (struct spans){
        .run = run, .registry = span_registry_create(), .count = repro_option(run, "spans")};
    if (spans.registry == NULL)
        abort();
    if (!warm_pages(&spans, repro_option(run, "warm"))) /* before any phase: from system */
        return;
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (!open_and_close(&spans, spans.count))
            return; /* the real library panics, and so would the program */
        repro_end(run);
    }
    /* Otherwise the registry lives as long as the program. All output has been written by now. */
    if (repro_option(run, "destroy") != 0)
        span_registry_destroy(spans.registry);
}

static const struct repro_option options[] = {
    {"spans", "spans alive at once in each phase", 512, 1, spans_most, NULL},
    {"warm", "spans made and closed before the first phase", 0, 0, spans_most, NULL},
    CRATES_OPTION,
    {"destroy", "drops the registry at the end of the program", 0, 0, 0, NULL},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--spans 32", {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--spans 33",
     {REPRO_CRASH, REPRO_CRASH, REPRO_LATENT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--spans 64",
     {REPRO_CRASH, REPRO_CRASH, REPRO_LATENT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--spans 97",
     {REPRO_CRASH, REPRO_CRASH, REPRO_LATENT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 8193",
     {REPRO_LATENT, REPRO_LATENT, REPRO_LATENT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 49153",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 6144 --filler off",
     {REPRO_LATENT, REPRO_LATENT, REPRO_LATENT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    /* Only the pages are made before any phase, not the maps, of 116 bytes, and the stack. */
    {"--warm 4096", {REPRO_HANG, REPRO_HANG, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    /* If a thread's entry of current spans is made in a phase, the next phase finds it borrowed. */
    {"--crates 2026",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_LATENT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--crates 2026 --spans 32",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    /* Dropping the registry walks each slot of each page, whether it was used again or not. */
    {"--destroy", {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {"--destroy --min-bytes 8193",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {"--destroy --min-bytes 49152",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {"--destroy --min-bytes 49153",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--destroy --spans 32",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--destroy --spans 33",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_law law = {
    .formula = "3072 * pow2_at_least((spans + 63) / 32) / 2 + 1",
    .source =
        "pages of 32, 64, 128 ... slots of 96 bytes, made when those before are full; without --warm (sharded-slab 0.1.4 to 0.1.7)",
    .at = (const char *const[]){"--spans 1", "--spans 32", "--spans 33", "--spans 96", "--spans 97",
                                "--spans 224", "--spans 225", "--spans 480", "--spans 481",
                                "--spans 512", "--spans 993", "--spans 33 --crates 2026",
                                "--spans 512 --crates 2026", NULL},
};

static const struct repro_finding findings[] = {
    {"F3", "dep_cache",
     "Removing the span layer removes the crash; making 4096 spans before the first phase does not (--warm 4096)",
     "critical",
     "open under blind recycling: the maps and the stack are made in a phase all the same"},
    {"F13", "dep_cache",
     "Registry pages double: the first is 3072 bytes, the second, needed from 33 spans on, 6144",
     "high",
     "fixed by routing from MIN_BYTES 3072 x 2^k + 1 on (sharded-slab 0.1.4 to 0.1.7), "
     "where 32 x (2^(k+1) - 1) is the first that is not less than the spans alive at once: "
     "3073 for 32, 6145 for 96, 12289 for 224, 49153 for 512"},
    {"F14", "dep_cache",
     "64 concurrent spans show no harm at 4096, 512 fail at 4096; that 512 pass at 6144 is luck",
     "high",
     "512 spans: no harm seen from MIN_BYTES 8193 on, nothing retained from 49153 on (sharded-slab 0.1.4 to 0.1.7)"},
    {"F3a", "dep_cache",
     "With the crates of 2026 a thread's entry of current spans is made at its first use (thread_local 1.1.10), "
     "and entering a span does not touch its slot any more (tracing-subscriber 0.3.21): "
     "the next phase's first span panics, as the current spans are already borrowed",
     "critical",
     "fixed by routing as with the older ones: pages have the same sizes, and 32 spans need MIN_BYTES 3073",
     REPRO_NONE, REPRO_CORRUPT, "--crates 2026 --spans 32"},
    {"Z2", "dep_cache",
     "The seed's bound of 6144 for 512 spans holds only while the next phase allocates little: "
     "with one overwriting allocation it is 8193, and pages of 49152 bytes are still retained",
     "high", "MIN_BYTES 49153 (sharded-slab 0.1.4 to 0.1.7), or pinned"},
    {"Z29", "dep_cache",
     "A registry that is dropped (set_default, with_default) walks every slot of every page: "
     "512 spans need 49153, where without it no harm is seen from 8193 on; the program crashes when it ends, after the right output",
     "high",
     "MIN_BYTES 49153 (sharded-slab 0.1.4 to 0.1.7), or pinned; a registry that is never dropped hides it",
     REPRO_SEED, REPRO_CRASH, "--destroy"},
    {0},
};

const struct repro repro = {
    .id = "R18",
    .slug = "span_registry_pages",
    .class = "pooled capacity",
    .title = "a registry's pages, made in one phase, hold the spans of the next",
    .seed = "F3, F6, F13, F14",
    .severity = "critical",
    .claim = "6144",
    .explain =
        "A tracing library keeps each open span in a slot of 96 bytes. Slots come in pages that double: 32\n"
        "slots are 3072 bytes, then 6144, 12288, 24576, 49152. A page is allocated when the spans alive at\n"
        "once first reach it, and is never freed; nor are the thread's stack of current spans (16 bytes\n"
        "times a power of two) and each slot's map of extensions, which is cleared when the span closes\n"
        "and keeps its buffer. All of it is made by whoever first needs it: inside a phase.\n"
        "\n"
        "In the next phase it is all recycled, and still in use. An extension map made of filler is fatal\n"
        "at once; the stack of spans is pushed on top of somebody's data. A slot whose life word is filler\n"
        "looks referenced, so the registry passes over that page and makes another one.\n"
        "\n"
        "That last one is luck. With 512 spans no harm is seen from MIN_BYTES 8193 on (the stack is 8192\n"
        "bytes), but pages of up to 49152 bytes are still retained in recycled memory: only from 49153 on\n"
        "is nothing. The seed says that 6144 is enough for 512 spans; it is only with --filler off.\n"
        "\n"
        "--spans 32, 33, 97, 225, 481: each needs one page more. --warm 4096 makes the pages before the\n"
        "first phase, which does not help: the maps and the stack are still made in one.\n"
        "\n"
        "These are the crates of Debian 12 (tracing-subscriber 0.3.16, sharded-slab 0.1.4, thread_local 1.1.4).\n"
        "--crates 2026: entering a span takes no reference, so a recycled page is first touched by a child\n"
        "or by the close; and the thread's entry of current spans is made in the phase as well. The sizes of\n"
        "the pages, and so the law, are the same: 3072 x 2^k + 1.\n"
        "\n"
        "--destroy: a program may drop its registry when it ends (set_default and with_default do). Then\n"
        "each page is walked, used again or not, and each slot's map is freed: SIGSEGV, after all output was\n"
        "right. There is no luck in that: what is seen is what is retained, 49153 for 512 spans.\n",
    .body = body,
    .options = options,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_LATENT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = variants,
    .findings = findings,
    .law = &law,
};
