/*
 * glib_thread_pool - the worker of a freed pool waits for the next pool.
 *
 * needs: glib-2.0
 *
 * g_thread_pool_free ends the pool, but not its threads: GLib keeps idle ones for the next pool. A
 * worker that started inside a phase has its per-thread memory in the arena, in its own slab: 2032
 * bytes of lists of free small blocks (GLib before 2.76), which it uses when it takes the next
 * task. The queue in which it waits, with its lock, is in the slab of the thread that made the
 * pool.
 *
 * In the next phase both are filler. That lock looks taken: the next pool is never made.
 */
#include "repro.h"

#include <unistd.h>

#if !defined ZK_MISSING && __has_include(<glib.h>)
#include <fcntl.h>
#include <glib.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* A task: something to do on the pool's thread. */
struct task {
    void (*act)(void *arg);
    void *arg;
    sem_t done;
    pid_t worker; /* the thread that did it */
};

static void run_task(gpointer data, gpointer unused)
{
    struct task *task = data;

    (void)unused;
    task->act(task->arg);
    task->worker = (pid_t)syscall(SYS_gettid);
    sem_post(&task->done);
}

/* Does the thread sleep? Its state follows its name, which is in parentheses. Not read with stdio,
 * whose buffers would be in the arena. */
static bool sleeps(pid_t thread)
{
    char path[64];
    char line[512];
    const char *state;
    ssize_t bytes;
    int from;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return true; /* it has ended */
    bytes = read(from, line, sizeof line - 1);
    close(from);
    line[bytes > 0 ? bytes : 0] = '\0';
    state = strrchr(line, ')');
    return state != NULL && state[1] == ' ' && state[2] == 'S';
}

/* Waits until the worker waits for the next task: what it allocates and frees before depends on
 * timing. */
static void wait_for(pid_t worker)
{
    while (!sleeps(worker))
        usleep(100);
}

/* Makes a pool of one thread, gives it one task, and frees it. */
static void on_worker(void *unused, void (*act)(void *arg), void *arg)
{
    struct task task = {.act = act, .arg = arg};
    GThreadPool *pool = g_thread_pool_new(run_task, NULL, 1, FALSE, NULL);

    (void)unused;
    if (pool == NULL || sem_init(&task.done, 0, 0) != 0)
        abort();
    if (!g_thread_pool_push(pool, &task, NULL))
        abort();
    while (sem_wait(&task.done) != 0)
        continue; /* interrupted by a signal */
    wait_for(task.worker);
    g_thread_pool_free(pool, FALSE, TRUE);
    while (g_thread_pool_get_num_unused_threads() != 1)
        usleep(100);
    wait_for(task.worker);
    sem_destroy(&task.done);
}

static void add_one(void *arg)
{
    unsigned *count = arg;

    ++*count;
}

static void body(struct repro_run *run)
{
    unsigned count = 0;

    /* No limit on idle time, instead of 15 seconds: a worker that sleeps without a timeout cannot
     * end the wait of another thread, so a hang can be proven. */
    g_thread_pool_set_max_idle_time(0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0) /* from now on it takes part */
            repro_team(run, on_worker, NULL);
        on_worker(NULL, add_one, &count);
        if (count != phase + 1)
            repro_wrong(run, "a task did not run exactly once");
        repro_end(run);
    }
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "GLib is not installed");
}

#endif

/* With the queue of idle threads outside of the arena, and the worker's lists in it. */
static const struct repro_variant variants[] = {
    {"--min-bytes 1K",
     {REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CRASH, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z18", "c_library",
     "A GThreadPool that is freed leaves its threads, their memory and the queue in which they wait to the next pool: "
     "after one in a phase, the next phase's is never made; with the queue out of the arena its worker crashes",
     "critical", "fixed by routing from MIN_BYTES 2033 on (GLib 2.74)", REPRO_NONE, 0},
    {0},
};

/* The worker has two lists of 16 bytes for each size of small block; sizes go up to an eighth of a
 * page, or of 8 KiB if that is more (GLib 2.74, gslice.c). Where pages are large, the lists are
 * above the usual threshold. */
static size_t lists_bytes(void)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

    return (page_bytes > 8192 ? page_bytes : 8192) / 4 - 16;
}

static unsigned expect_here(enum repro_profile profile)
{
    bool routes = profile == REPRO_ROUTE || profile == REPRO_SEED;

    return routes && lists_bytes() >= 4096 ? REPRO_CRASH : repro.expect[profile];
}

const struct repro repro = {
    .id = "R35",
    .slug = "glib_thread_pool",
    .class = "threads",
    .title = "the worker of a pool that was freed waits for the next pool",
    .seed = "-",
    .severity = "critical",
    .explain =
        "g_thread_pool_free ends a pool, and not its threads: GLib keeps up to 2 of them\n"
        "waiting, 15 seconds each, for the next pool that anybody in the process makes. A\n"
        "program that makes a pool in each phase, and frees it in the same, seems to keep\n"
        "nothing. It keeps the thread, with the loader's table for it (288 bytes), its own\n"
        "lists of free small blocks (2032 bytes, GLib before 2.76), pages of such blocks (496\n"
        "bytes) and the queue in which the thread waits.\n"
        "\n"
        "All of that was made in the first pool's phase. In the next phase the queue is filler,\n"
        "and its lock, which is one word of it, looks taken: whoever makes a pool waits for\n"
        "ever. With a threshold that keeps the queue out of the arena (--min-bytes 1K), only\n"
        "the worker's lists are in it, on the worker's own slab. It takes a task, frees a small\n"
        "block into its lists, and follows filler as a pointer.\n"
        "\n"
        "The usual threshold of 4096 covers all this; 2033 is what it takes. With pages\n"
        "larger than 16 KiB it does not: for 64 KiB the lists have 16368 bytes. A program that\n"
        "uses a pool once before any phase has the thread, its lists and the queue outside of\n"
        "the arena.\n",
    .body = body,
    .expect_here = expect_here,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_HANG,
               [REPRO_FLUSH] = REPRO_HANG,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
