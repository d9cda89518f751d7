/*
 * openmp_tasks - the table of dependences outlives the tasks that had them.
 *
 * needs: openmp
 *
 * The first task with a depend clause makes a table in the record of the task that creates it: 8
 * bytes for each place, about twice as many places as that task has dependences. When the tasks are
 * done their entries are removed, but the table stays until the parallel region ends.
 *
 * Here the phases are inside one region: its first thread begins them, creates tasks and waits for
 * them, so that no task crosses a phase. The next phase's first allocation lands on the table, and
 * the next task looks its dependences up in it.
 */
#include "repro.h"

enum { blocks_max = 4096 };

#ifndef ZK_MISSING

#include <errno.h>
#include <omp.h>
#include <semaphore.h>
#include <stdlib.h>

static unsigned column[blocks_max]; /* the tasks work on it; not part of the victim */

/* What the other threads of the team wait for: they run no task. One that does frees the task's record, of 40
 * bytes for each dependence, only after the taskwait may have returned: if it is interrupted there, that crosses
 * the phase too, and the bound would depend on how busy the machine is. */
static sem_t all_done;

/* One task writes the blocks, and another reads them after it: the sum shows that both ran, in this
 * order. */
static unsigned run_tasks(unsigned blocks, unsigned value)
{
    unsigned sum = 0;

#pragma omp task depend(iterator(unsigned b = 0 : blocks), out : column[b])
    for (unsigned i = 0; i < blocks; i++)
        column[i] = value;
#pragma omp task depend(iterator(unsigned b = 0 : blocks), in : column[b]) shared(sum)
    for (unsigned i = 0; i < blocks; i++)
        sum += column[i];
#pragma omp taskwait
    return sum;
}

/* Runs on the first thread of the team. */
static void run_phases(struct repro_run *run)
{
    unsigned blocks = (unsigned)repro_option(run, "blocks");

    if (omp_get_num_threads() < (int)repro_threads(run))
        repro_skip(run, "OpenMP gives %d of the %u threads asked for (OMP_THREAD_LIMIT?)",
                   omp_get_num_threads(), repro_threads(run));
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (run_tasks(blocks, phase + 1) != (phase + 1) * blocks)
            repro_wrong(run, "a task ran before the one that it depends on");
        repro_check(run);
        repro_end(run);
    }
}

static void body(struct repro_run *run)
{
    /* The next phase's data: a column of small numbers. Taken for the number of slots, it is one
     * that libgomp can work with; the effect of larger ones depends on the addresses of the
     * libraries. */
    repro_fill_with(run, 7);
    omp_set_dynamic(0);
    omp_set_max_active_levels(1); /* overrides OMP_MAX_ACTIVE_LEVELS */
    sem_init(&all_done, 0, 0);
#pragma omp parallel num_threads((int)repro_threads(run))
    if (omp_get_thread_num() == 0) {
        run_phases(run);
        for (int i = 1; i < omp_get_num_threads(); i++)
            sem_post(&all_done);
    } else {
        while (sem_wait(&all_done) != 0 && errno == EINTR)
            continue;
    }
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "the compiler has no OpenMP");
}

#endif

static const struct repro_option options[] = {
    {"blocks", "dependences of each task", 1000, 1, blocks_max, NULL},
    {0},
};

/* With a small table, of the size of a task in a typical example. */
static const struct repro_variant variants[] = {
    {"--blocks 100",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z14", "c_library",
     "libgomp keeps the table of dependences (16 bytes and more for each) after taskwait, until the parallel region ends: "
     "where phases lie inside one region, the next phase's first task crashes",
     "high", "fixed by routing from MIN_BYTES 16345 on, for 1000 dependences (libgomp of GCC 12)",
     REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R31",
    .slug = "openmp_tasks",
    .class = "threads",
    .title = "the table of dependences is kept when all tasks that had them are done",
    .seed = "-",
    .severity = "high",
    .explain =
        "A task with a depend clause is entered in a table that belongs to the task which creates\n"
        "it, by the address of what it depends on. libgomp makes the table for the first such\n"
        "task: twice as many slots as that one has dependences, rounded up to the next prime of\n"
        "its list, of 8 bytes each, and 32 bytes more. For 1000 dependences that is 16344 bytes.\n"
        "When a task is done its entries are deleted. The table stays, for the next one.\n"
        "\n"
        "Here the phases lie inside one parallel region: its first thread begins them, makes tasks\n"
        "and waits for them with taskwait before the phase ends. It is the way to do it right: no\n"
        "task and no data of a task crosses a phase. Yet the table does. (If the other threads\n"
        "help, it is worse: one of them may free the record of a task that it has run only after\n"
        "the taskwait has returned. Here they wait.)\n"
        "\n"
        "In the second phase the table is data of that phase: a column of small numbers here.\n"
        "libgomp takes it for a small table that is full, makes a larger one, and carries over\n"
        "what is in the slots, which are small numbers too. It crashes where they point. With\n"
        "zeros nothing would be seen: a table of no slots has nothing to carry over.\n"
        "\n"
        "16345 is the threshold that saves it, for 1000 dependences; what a threshold of 4096\n"
        "saves is a program whose tasks have fewer than 126. --blocks N: dependences of a task.\n"
        "Phases around the whole region are safe from this: the table goes with the region.\n"
        "openmp_team shows what does not.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CRASH,
               [REPRO_SEED] = REPRO_CRASH,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
