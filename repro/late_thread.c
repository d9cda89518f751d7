/*
 * late_thread - the C library serves a thread that finds every slab taken, and its blocks are
 * counted.
 *
 * A control: there are four more slabs than processors. Here more threads than that are alive at
 * the same time, each with a block of its own; the late threads' blocks must be as good as the
 * others'.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { block_bytes = 64 << 10, late_threads = 3 };

struct worker {
    struct repro_thread *thread;
    unsigned char *block;
    unsigned char content;
};

static void make(void *arg)
{
    struct worker *worker = arg;

    worker->block = zk_malloc(block_bytes);
    if (worker->block == NULL)
        abort();
    memset(worker->block, worker->content, block_bytes);
}

static void check_counts(struct repro_run *run, unsigned threads)
{
    struct zk_config config;
    struct zk_stats stats;

    zk_config(&config);
    zk_stats(&stats);
    if (config.min_bytes > block_bytes || config.audit == ZK_AUDIT_TRAP) /* which has no slabs */
        return;
    if (stats.slabs_in_use != stats.slabs || stats.overflow_count != threads - stats.slabs)
        repro_wrong(run, "late threads are not counted as overflow");
    zk_reset_stats();
}

static void body(struct repro_run *run)
{
    unsigned threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) + 4 + late_threads;
    struct worker *workers = calloc(threads, sizeof *workers);

    if (threads >= REPRO_TEAM_MAX)
        repro_skip(run, "this machine has too many processors: it would take %u threads", threads);
    if (workers == NULL)
        abort();
    for (unsigned i = 0; i < threads; i++)
        workers[i] = (struct worker){.thread = repro_spawn(run), .content = (unsigned char)(i + 1)};
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        repro_check(run);
        zk_reset_stats(); /* forgets the fillers of this phase */
        for (unsigned i = 0; i < threads; i++)
            repro_on(workers[i].thread, make, &workers[i]);
        for (unsigned i = 0; i < threads; i++) {
            repro_check_bytes(run, "a thread's block differs", workers[i].block, workers[i].content,
                              block_bytes);
            zk_free(workers[i].block); /* here, not on its own thread */
        }
        check_counts(run, threads);
        repro_end(run);
    }
    for (unsigned i = 0; i < threads; i++)
        repro_join(run, workers[i].thread);
    free(workers);
}

const struct repro repro = {
    .id = "R12",
    .slug = "late_thread",
    .class = "control",
    .title = "a thread without a slab is served by the C library, and counted",
    .seed = "-",
    .severity = "info",
    .explain =
        "Slabs are reserved once: as many as there are processors, and four more. A program may have more\n"
        "threads than that. Those that come late get no slab, until another thread ends and leaves its\n"
        "own; in the meantime the C library serves them, and zk_stats counts it as overflow.\n"
        "\n"
        "Here three threads more than there are slabs are alive at once. Each makes a block of 64 KiB in\n"
        "each phase; all blocks are compared with what was written to them, and freed on a thread other\n"
        "than their own. The overflow must be exactly the late threads' blocks.\n"
        "\n"
        "It is a control: any outcome but clean is a bug in the allocator.\n",
    .body = body,
    .cycles = 5,
    .expect = {[REPRO_NONE] = REPRO_CLEAN,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
