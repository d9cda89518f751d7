/*
 * thread_table - a language runtime's table of its threads, made in one phase, crashes the next
 * thread.
 *
 * While a thread of a Rust program lives, it is in a table of the process, so that a stack overflow
 * can be distinguished from other faults. The table is a B-tree. The 12th living thread finds its
 * only node full and allocates two more, in its own slab if it starts in a phase. In the next
 * phase, the first thread that starts or ends walks through them.
 */
#include "models/thread_infos.h"
#include "repro.h"

enum { guard_bytes = 4096 };

/* Runs on a new thread, before anything else; and on the first thread, before main. */
static void thread_starts(void *arg)
{
    const uintptr_t stack = (uintptr_t)&arg;

    thread_info_set(stack - 2 * guard_bytes, stack - guard_bytes);
}

/* Runs on a thread that has nothing more to run. */
static void thread_ends(void *arg)
{
    (void)arg;
    thread_info_delete();
}

/* One thread of the program ends, and another one starts. */
static struct repro_thread *replace(struct repro_run *run, struct repro_thread *thread)
{
    struct repro_thread *next;

    repro_on(thread, thread_ends, NULL);
    repro_join(run, thread);
    next = repro_spawn(run);
    repro_on(next, thread_starts, NULL);
    return next;
}

static void body(struct repro_run *run)
{
    struct repro_thread *threads[REPRO_THREADS_MAX] = {NULL};
    unsigned count = repro_threads(run);
    unsigned oldest = 0;

    thread_starts(NULL);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        for (unsigned i = 0; phase == 0 && i < count; i++) {
            threads[i] = repro_spawn(run);
            repro_on(threads[i], thread_starts, NULL);
        }
        if (phase > 0) {
            threads[oldest] = replace(run, threads[oldest]);
            oldest = oldest + 1 < count ? oldest + 1 : 0;
        }
        if (thread_info_count() != count + 1)
            repro_wrong(run, "a thread is missing from the table");
        repro_end(run);
    }
    for (unsigned i = 0; i < count; i++)
        repro_join(run, threads[i]);
    thread_info_forget();
}

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--threads 10",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--threads 64",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 640",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 641",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z30", "runtime",
     "A language runtime's own table of threads (Rust's std) is a B-tree "
     "whose nodes of 544 and 640 bytes are made by the 12th thread that lives: "
     "started in a phase, with less than MIN_BYTES 641, the first thread to start or end in the next one crashes, with no library involved",
     "high",
     "fixed by routing from MIN_BYTES 641 on (Rust 1.95); by starting the threads before the first phase"},
    {0},
};

static const struct repro_law law = {
    .formula = "641 * min(1, (threads + 1) / 12)",
    .source =
        "std of Rust 1.95: THREAD_INFO, a BTreeMap of values of 40 bytes, "
        "has a node of 640 bytes above its leaves as soon as 12 threads live; the leaf of the first 11 is made before main",
    .at = (const char *const[]){"--threads 1", "--threads 2", "--threads 10", "--threads 11",
                                "--threads 12", "--threads 16", "--threads 17", "--threads 31",
                                "--threads 32", "--threads 33", "--threads 64", "--threads 128",
                                NULL},
};

const struct repro repro = {
    .id = "R44",
    .slug = "thread_table",
    .class = "retained table",
    .title = "a runtime's table of its threads, made in one phase, kills the next thread",
    .seed = "-",
    .severity = "high",
    .threads = 11,
    .explain =
        "A Rust program that runs out of stack says so, instead of just dying. For that, std keeps a table of\n"
        "where each thread's stack ends: a thread enters itself when it starts and removes itself when it ends.\n"
        "The table is a B-tree with up to 11 threads in a node. The first node is made before main; the 12th\n"
        "thread that lives makes two more, of 544 and of 640 bytes, by its own malloc: in its slab, if a pool is\n"
        "built in a phase.\n"
        "\n"
        "After a boundary the tree's root is the next phase's data. The next thread that starts or ends, of\n"
        "whatever library, goes down from it to an address that is no address: SIGSEGV. And the handler that\n"
        "should say what happened asks the same table.\n"
        "\n"
        "Routing keeps the nodes out from 641 on, so the usual 4096 covers them; an arena that routes nothing,\n"
        "MIN_BYTES 0, does not. With up to 10 threads beside the first (--threads 10) no node is made in a\n"
        "phase. No crate is needed for this one: every Rust program has the table.\n",
    .body = body,
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
