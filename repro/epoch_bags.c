/*
 * epoch_bags - retired objects wait in bags, the bags are in the slab, and a later phase walks
 * them.
 *
 * A lock-free structure may not free what it unlinks, since another thread may be reading it: it
 * defers the free. Deferred calls are collected in bags of 64; a full bag becomes a node of the
 * collector's queue, 2072 bytes, allocated at that moment. Two epochs later, which may be in the
 * next phase, some thread takes the node off the queue, and makes the calls in it.
 */
#include "models/crates.h"
#include "models/epoch.h"
#include "repro.h"

enum { retired = 2 * EPOCH_BAG_CALLS }; /* in each phase: two bags */

static struct {
    struct repro_run *run;
    unsigned long deferred;
    unsigned long called;
} calls;

/* What a deferred free would do, if there were anything to free. */
static void count_call(uintptr_t *words)
{
    if (words[0] + words[1] != UINTPTR_MAX)
        repro_wrong(calls.run, "a deferred call has other words");
    calls.called++;
}

static void retire_some(void)
{
    for (int i = 0; i < retired; i++) {
        epoch_pin();
        epoch_defer(count_call, calls.deferred, ~calls.deferred, 0);
        calls.deferred++;
        epoch_unpin();
    }
}

static void collect(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) { /* each flush advances the epoch by at most one */
        epoch_pin();
        epoch_flush();
        epoch_unpin();
    }
}

static void body(struct repro_run *run)
{
    calls.run = run;
    crates_choose((enum crates)repro_option(run, "crates"));
    epoch_pin(); /* the collector, and this thread's record, before any phase */
    epoch_unpin();
    repro_on_flush(run, collect, NULL);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        retire_some();
        repro_end(run);
    }
    collect(NULL);
    if (calls.called != calls.deferred)
        repro_wrong(run, "%lu of %lu deferred calls were made", calls.called, calls.deferred);
}

static const struct repro_option options[] = {
    CRATES_OPTION,
    {0},
};

static const struct repro_law law = {
    .formula = "64 * 32 + 8 + 16 + 1",
    .source = "64 deferred calls of a function and three words, their number, "
              "and in a node an epoch and a pointer (SealedBag, crossbeam-epoch 0.9.13 to 0.9.20)",
    .at = (const char *const[]){"", "--crates 2026", NULL},
};

static const struct repro_variant variants[] = {
    {"--crates 2026",
     {REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"F20", "crossbeam_epoch",
     "Retired objects wait in bags that may lie in the slab; said to be harmless", "critical",
     "fixed by routing from MIN_BYTES 2073 on (crossbeam-epoch 0.9.13 to 0.9.20); not harmless: see Z3"},
    {"Z3", "crossbeam_epoch",
     "Epoch bags are load-bearing, against the seed's claim: "
     "a later phase walks the recycled queue nodes and calls the functions that it finds in them",
     "critical", "fixed by routing from MIN_BYTES 2073 on (crossbeam-epoch 0.9.13 to 0.9.20)"},
    {"F6", "dep_cache",
     "Other dependencies keep blocks as well: epoch bags (here), "
     "per-worker arrays (pool_built_in_phase), registry pages (span_registry_pages), growing tables (hash_table_retained)",
     "high",
     "each has a bound of its own: results/thresholds.tsv, and results/laws.tsv for other sizes"},
    {0},
};

const struct repro repro = {
    .id = "R22",
    .slug = "epoch_bags",
    .class = "deferred reclamation",
    .title = "retired objects wait in bags, and a later phase walks them",
    .seed = "F6, F20",
    .severity = "critical",
    .claim = "0",
    .explain =
        "Lock-free structures defer their frees: a thread that unlinks an object notes a call, a function\n"
        "and three words, in its bag. A bag holds 64; when it is full, it is copied into a node of a queue,\n"
        "8 + 2056 + 8 = 2072 bytes, which is allocated there and then. When all threads have moved on by\n"
        "two epochs, whoever happens to collect takes the node off the queue and makes its calls.\n"
        "\n"
        "That is later, by design. Here each phase retires 128 objects, so two nodes are allocated in each,\n"
        "and the next phase's pins collect them. But the next phase has begun: the nodes' bytes belong to\n"
        "its first allocation. The collector follows a next pointer made of filler, or calls a function\n"
        "at an address made of filler.\n"
        "\n"
        "The seed holds bags for harmless: its test passed 50 times at MIN_BYTES 0. It had no filler, and\n"
        "the nodes' bytes happened to survive. Under its own code with other work the same bags end in a\n"
        "SIGSEGV or a hang. They stay out of the arena from 2073 on. Draining the collector at the end of\n"
        "each phase leaves nothing for the next (profile flush).\n",
    .body = body,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
    .options = options,
    .variants = variants,
    .law = &law,
};
