/*
 * test_oracle.c - random operations against the model (oracle.h), in fresh processes. A sequence
 * that fails is shortened and printed, to be run again.
 *
 * The operations are divided into runs. Each has a process, a seed and a setup of its own, so that
 * its seed identifies it.
 */
#include "oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { default_ops = 40000, default_forks = 2500 };
#else
enum { default_ops = 200000, default_forks = 1000 };
#endif

enum { run_ops = 20000, limit_s = 120 };

#ifdef __SANITIZE_THREAD__
/* A race gives an exit status, also in a child forked beside running threads; and no child waits a second
 * at exit for further races. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "halt_on_error=1:die_after_fork=0:atexit_sleep_ms=0";
}
#endif

struct options {
    size_t ops;
    uint64_t seed;
    unsigned threads;
    unsigned forks; /* in a million operations */
    enum zk_recycle recycle;
    bool concurrent;
    bool shrink;
    const char *replay;
};

struct sequence {
    struct oracle_setup setup;
    struct oracle_op *ops;
    size_t count;
};

/* Shared with the children: how far a run got. */
static struct oracle *shared;

__attribute__((noreturn)) static void usage(const char *wrong)
{
    fprintf(stderr, "test_oracle: %s\n", wrong);
    fputs("usage: test_oracle [--ops N] [--seed S] [--threads N] [--recycle pinned|blind]\n"
          "                   [--forks N] [--concurrent] [--shrink] [--replay FILE]\n"
          "  --forks: of a million operations; a run of blind has none\n"
          "  exit status 0: nothing wrong; 1: something is, and what is printed\n",
          stderr);
    exit(2);
}

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "test_oracle: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* Runs body in a fresh process. Returns 0, an oracle status, or 128 + signal. */
static int in_child(void (*body)(const void *arg), const void *arg, bool quiet)
{
    pid_t child;
    int status;

    fflush(NULL);
    memset(shared, 0, sizeof *shared);
    child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        if (quiet && (freopen("/dev/null", "w", stdout) == NULL ||
                      freopen("/dev/null", "w", stderr) == NULL))
            _exit(2);
        alarm(limit_s);
        body(arg);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child)
        die("waitpid");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void run_sequence(const void *arg)
{
    const struct sequence *sequence = arg;

    oracle_start(shared, &sequence->setup);
    oracle_run(shared, sequence->ops, sequence->count);
}

static int status_of(const struct sequence *sequence, bool quiet)
{
    return in_child(run_sequence, sequence, quiet);
}

/* Removes operations [from, to) if the rest still fails in the same way. */
static bool leave_out(struct sequence *sequence, size_t from, size_t to, int status)
{
    struct sequence shorter = *sequence;
    size_t behind = sequence->count - to;

    shorter.ops = malloc((sequence->count + 1) * sizeof *shorter.ops);
    if (shorter.ops == NULL)
        die("malloc");
    memcpy(shorter.ops, sequence->ops, from * sizeof *shorter.ops);
    memcpy(shorter.ops + from, sequence->ops + to, behind * sizeof *shorter.ops);
    shorter.count = from + behind;
    if (status_of(&shorter, true) != status) {
        free(shorter.ops);
        return false;
    }
    free(sequence->ops);
    *sequence = shorter;
    return true;
}

/* Delta debugging: removes ever smaller pieces, until no single operation can be removed. */
static void shorten(struct sequence *sequence, int status)
{
    size_t piece = (sequence->count + 1) / 2;
    bool again = true;

    while (piece > 1 || again) {
        again = false;
        for (size_t from = 0; from < sequence->count;) {
            size_t to = from + piece < sequence->count ? from + piece : sequence->count;

            if (leave_out(sequence, from, to, status))
                again = true;
            else
                from = to;
        }
        if (piece > 1) {
            piece /= 2;
            again = true;
        }
    }
}

static bool still_fails(struct sequence *sequence, struct oracle_op *op, struct oracle_op simpler,
                        int status)
{
    struct oracle_op kept = *op;

    if (kept.thread == simpler.thread && kept.size == simpler.size && kept.align == simpler.align)
        return false;
    *op = simpler;
    if (status_of(sequence, true) == status)
        return true;
    *op = kept;
    return false;
}

/* Tries rounder sizes, no alignment, fewer threads, and keeps what still fails. */
static void simplify(struct sequence *sequence, int status)
{
    for (size_t i = 0; i < sequence->count; i++) {
        struct oracle_op *op = &sequence->ops[i];
        struct oracle_op simpler = *op;

        for (simpler.align = 1; simpler.align < op->align; simpler.align *= 4)
            if (still_fails(sequence, op, simpler, status))
                break;
        simpler = *op;
        simpler.thread = 0;
        still_fails(sequence, op, simpler, status);
        simpler = *op;
        for (simpler.size = 16; simpler.size < op->size; simpler.size *= 4)
            if (still_fails(sequence, op, simpler, status))
                break;
    }
}

static void tell_failure(struct sequence *sequence, int status, bool shrink)
{
    if (shared->progress < sequence->count)
        sequence->count = shared->progress; /* the epilogue would already have found it */
    if (shrink && status_of(sequence, true) == status) {
        shorten(sequence, status);
        simplify(sequence, status);
        shorten(sequence, status);
        printf("# shrunk to %zu operations; run again: test_oracle --replay FILE\n",
               sequence->count);
        status_of(sequence, false);
    } else {
        printf(
            "# %zu operations; --shrink makes them fewer; run again: test_oracle --replay FILE\n",
            sequence->count);
    }
    oracle_print(stdout, &sequence->setup, sequence->ops, sequence->count);
}

struct concurrent_run {
    struct oracle_setup setup;
    uint64_t seed;
    size_t ops;
};

static void run_concurrently(const void *arg)
{
    const struct concurrent_run *run = arg;

    oracle_start(shared, &run->setup);
    oracle_run_concurrent(shared, run->seed, run->ops);
}

/* Runs one seed. Returns 0, or how it failed. */
static int run_seed(const struct options *options, uint64_t seed, size_t ops)
{
    struct sequence sequence = {.setup = {.recycle = options->recycle,
                                          .threads = options->threads,
                                          .forks = options->forks}};
    int status;

    oracle_random_setup(seed, &sequence.setup);
    if (options->concurrent) {
        struct concurrent_run run = {sequence.setup, seed, ops};

        run.setup.nesting = ZK_NESTING_RECYCLE; /* any call succeeds in any state */
        return in_child(run_concurrently, &run, false);
    }
    sequence.count = ops;
    sequence.ops = calloc(ops, sizeof *sequence.ops);
    if (sequence.ops == NULL)
        die("calloc");
    oracle_random_ops(seed, &sequence.setup, sequence.ops, ops);
    status = status_of(&sequence, false);
    if (status != 0)
        tell_failure(&sequence, status, options->shrink);
    free(sequence.ops);
    return status;
}

static int run_all(const struct options *options)
{
    size_t done = 0;

    printf("# test_oracle: %zu operations from --seed %" PRIu64 ", %s, %u threads%s\n",
           options->ops, options->seed, options->recycle == ZK_RECYCLE_BLIND ? "blind" : "pinned",
           options->threads, options->concurrent ? " at once" : " by turns");
    for (uint64_t run = 0; done < options->ops; run++) {
        size_t ops = options->ops - done < run_ops ? options->ops - done : run_ops;
        int status = run_seed(options, options->seed + run, ops);

        if (status != 0) {
            printf("# failed with status %d: --seed %" PRIu64 " --ops %zu\n", status,
                   options->seed + run, ops);
            return 1;
        }
        done += ops;
    }
    return 0;
}

static int replay(const struct options *options)
{
    struct sequence sequence;
    FILE *in = fopen(options->replay, "r");
    size_t bad_line;
    int status;

    if (in == NULL)
        die(options->replay);
    bad_line = oracle_parse(in, &sequence.setup, &sequence.ops, &sequence.count);
    fclose(in);
    if (bad_line != 0) {
        fprintf(stderr, "test_oracle: %s:%zu: not an operation: want what a failing run printed\n",
                options->replay, bad_line);
        exit(2);
    }
    status = status_of(&sequence, false);
    if (status != 0)
        tell_failure(&sequence, status, options->shrink);
    free(sequence.ops);
    return status != 0;
}

static uint64_t number(const char *name, const char *text, uint64_t most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 0);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > most) {
        fprintf(stderr, "test_oracle: %s %s: want a whole number up to %" PRIu64 "\n", name, text,
                most);
        exit(2);
    }
    return value;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.ops = default_ops,
                              .seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid(),
                              .threads = 4,
                              .forks = default_forks};

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(name, "--concurrent") == 0) {
            options.concurrent = true;
            continue;
        }
        if (strcmp(name, "--shrink") == 0) {
            options.shrink = true;
            continue;
        }
        i++;
        if (strcmp(name, "--ops") == 0)
            options.ops = (size_t)number(name, value, SIZE_MAX / 2);
        else if (strcmp(name, "--seed") == 0)
            options.seed = number(name, value, UINT64_MAX);
        else if (strcmp(name, "--threads") == 0)
            options.threads = (unsigned)number(name, value, ORACLE_THREADS_MAX);
        else if (strcmp(name, "--forks") == 0)
            options.forks = (unsigned)number(name, value, 1000000);
        else if (strcmp(name, "--replay") == 0)
            options.replay = value;
        else if (strcmp(name, "--recycle") == 0 && strcmp(value, "blind") == 0)
            options.recycle = ZK_RECYCLE_BLIND;
        else if (strcmp(name, "--recycle") != 0 || strcmp(value, "pinned") != 0)
            usage(name);
    }
    if (options.threads == 0)
        usage("--threads 0: want at least 1");
    if (options.recycle == ZK_RECYCLE_BLIND)
        options.forks = 0; /* it fails soon enough without, and is run many times */
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");
    return options.replay != NULL ? replay(&options) : run_all(&options);
}
