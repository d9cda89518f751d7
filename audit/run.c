/*
 * run.c - makes one run of the program under an audit.
 *
 * The program stays in our process group, so that the terminal sends signals to both; a signal that
 * a process sends only to us is passed on. We end after the program, to read its report and remove
 * the folder.
 */
#include "audit.h"
#include "begin_at.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long processes that the program leaves in the background may take to end and report. */
enum { LINGER_MS = 5000 };

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
enum { PASSED_ON = sizeof passed_on / sizeof *passed_on };

static struct {
    volatile sig_atomic_t child;
    volatile sig_atomic_t interrupted;
    sigset_t outside; /* the signals that were blocked when we started */
    struct sigaction before[PASSED_ON];
    off_t stdin_start; /* or -1: cannot be rewound */
    bool stdin_there;
} runs;

/* Signals from the terminal have already reached the program. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (number != SIGUSR1 && number != SIGUSR2)
        runs.interrupted = number;
    if (info->si_code != SI_KERNEL && runs.child > 0)
        kill(runs.child, number);
}

static void on_child(int number)
{
    (void)number; /* it only has to interrupt ppoll */
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction child = {.sa_handler = on_child};

    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < PASSED_ON; i++) {
        sigaction(passed_on[i], NULL, &runs.before[i]);
        if (runs.before[i].sa_handler != SIG_IGN) /* nohup, or a shell's background job */
            sigaction(passed_on[i], &action, NULL);
    }
    sigaction(SIGCHLD, &child, NULL);
}

static void set(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        die(3, "out of memory");
}

/* The preload library, which replaces any program's malloc; NULL if it was not built. */
static const char *preload_library(void)
{
    static const char *const beside[] = {"../alloc/libzkalloc-preload.so",
                                         ZK_LIBDIR "/libzkalloc-preload.so",
                                         "../lib/libzkalloc-preload.so"};
    static char path[PATH_MAX];
    const char *folder = own_folder();

    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, beside[i]);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static void preload(const char *library)
{
    const char *others = getenv("LD_PRELOAD");
    char *all;

    if (asprintf(&all, "%s%s%s", library, others != NULL && *others != '\0' ? ":" : "",
                 others != NULL ? others : "") < 0)
        die(3, "out of memory");
    set("LD_PRELOAD", all);
    free(all);
}

void runs_start(const struct options *options)
{
    const char *library = preload_library();

    if (options->chaos != NULL && library == NULL)
        die(2, "--chaos: libzkalloc-preload.so is neither in ../alloc nor in ../lib beside this "
               "program: build it, or leave --chaos out");
    begin_at_set(options->command[0],
                 library != NULL); /* runs zk-locate, which must not have the library in it */
    if (library != NULL)
        preload(loadable_path(library));
    if (options->chaos != NULL)
        set("ZK_ALLOC_CHAOS", options->chaos);
    /* Pinned recycling, so that the bugs we look for do no harm during the audit. */
    set("ZK_ALLOC_RECYCLE", "pinned");
    runs.stdin_there = fcntl(STDIN_FILENO, F_GETFD) >= 0;
    runs.stdin_start = lseek(STDIN_FILENO, 0, SEEK_CUR);
    sigprocmask(SIG_SETMASK, NULL, &runs.outside);
    /* Processes that the program leaves in the background become our children, so that we can wait
     * for them. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    catch_signals();
}

void runs_end(void)
{
    for (size_t i = 0; i < PASSED_ON; i++)
        sigaction(passed_on[i], &runs.before[i], NULL);
}

int runs_interrupted(void)
{
    return runs.interrupted;
}

bool run_failed(const struct run *run)
{
    return run->made && run->status != 0;
}

bool run_reported(const struct run *run)
{
    return run->made && run->report.processes > 0;
}

static void prepare_environment(const struct run *run, const struct options *options,
                                const char *folder)
{
    char min_bytes[32];
    char out[PATH_MAX + 8];
    uint64_t wanted = options->min_bytes;

    if (strcmp(run->name, "trap") == 0 && options->watch != UNKNOWN)
        wanted = options->watch;

    snprintf(out, sizeof out, "%s/%%p", folder);
    set("ZK_ALLOC_AUDIT", run->name);
    set("ZK_ALLOC_AUDIT_OUT", out);
    set("ZK_ALLOC_AUDIT_WITNESS", folder);
    snprintf(min_bytes, sizeof min_bytes, "%llu", (unsigned long long)wanted);
    if (wanted != UNKNOWN)
        set("ZK_ALLOC_MIN_BYTES", min_bytes);
}

/* The second run reads the same stdin as the first one, if it can be rewound. */
static void prepare_stdin(struct run *run, posix_spawn_file_actions_t *actions)
{
    if (!run->hidden || !runs.stdin_there)
        return;
    run->stdin_null = runs.stdin_start < 0 || lseek(STDIN_FILENO, runs.stdin_start, SEEK_SET) < 0;
    if (run->stdin_null)
        posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
}

static void prepare_output(const struct run *run, const struct options *options, int pipe_end,
                           posix_spawn_file_actions_t *actions)
{
    if (run->hidden) {
        posix_spawn_file_actions_adddup2(actions, pipe_end, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(actions, pipe_end, STDERR_FILENO);
    } else if (options->tsv || options->json) {
        posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
    }
}

static void start(struct run *run, const struct options *options, int pipe_end)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    const char *program = options->command[0];
    pid_t pid;
    int wrong;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &runs.outside);
    prepare_stdin(run, &actions);
    prepare_output(run, options, pipe_end, &actions);
    wrong = posix_spawnp(&pid, program, &actions, &attributes, options->command, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (wrong != 0)
        die(2, "%s: %s: give the path of a program%s", program, strerror(wrong),
            options->command[1] != NULL && strcmp(options->command[1], "--") == 0
                ? "; --json and --tsv take no file, but write to stdout"
                : "");
    runs.child = pid;
}

/* Reads what is in the pipe, and keeps the last TAIL_BYTES. False when nobody can write to it any
 * more. */
static bool take_output(struct run *run, int pipe_end)
{
    char chunk[TAIL_BYTES / 2];
    ssize_t got;

    while ((got = read(pipe_end, chunk, sizeof chunk)) > 0) {
        size_t length = (size_t)got;

        if (run->tail_length + length > sizeof run->tail) {
            size_t dropped = run->tail_length + length - sizeof run->tail;

            memmove(run->tail, run->tail + dropped, run->tail_length - dropped);
            run->tail_length -= dropped;
        }
        memcpy(run->tail + run->tail_length, chunk, length);
        run->tail_length += length;
    }
    return got < 0;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for children that have ended; false when none are left. */
static bool reap(struct run *run)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != runs.child)
            continue;
        run->status = status;
        runs.child = 0;
    }
    return pid == 0;
}

/* Sleeps until a child ends, output arrives, or the time is up. Signals are unblocked only here. */
static void wait_for_news(int pipe_end, int64_t until_ms)
{
    struct pollfd output = {.fd = pipe_end, .events = POLLIN};
    int64_t left_ms = until_ms - now_ms();
    struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};

    if (runs.child > 0)
        ppoll(&output, 1, NULL, &runs.outside);
    else if (left_ms > 0)
        ppoll(&output, 1, &left, &runs.outside);
}

/* Watches until the program has ended, and its background processes have too or have used up their
 * time. */
static void watch(struct run *run, int pipe_end)
{
    int64_t until_ms = 0;

    while (reap(run)) {
        if (runs.child == 0 && until_ms == 0)
            until_ms = now_ms() + LINGER_MS;
        if (runs.child == 0 && (now_ms() >= until_ms || runs.interrupted))
            break;
        wait_for_news(pipe_end, until_ms);
        if (pipe_end >= 0 && !take_output(run, pipe_end))
            pipe_end = -1;
    }
    if (pipe_end >= 0)
        take_output(run, pipe_end);
}

/* From the fork on, signals wait until there is a child to pass them on to. */
static void block_signals(void)
{
    sigset_t blocked = runs.outside;

    sigaddset(&blocked, SIGCHLD);
    for (size_t i = 0; i < PASSED_ON; i++)
        sigaddset(&blocked, passed_on[i]);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void say_what_runs(const struct run *run)
{
    if (run->hidden && !run->brief && isatty(STDERR_FILENO))
        fprintf(stderr, "zk-audit: once more, as a %s...", run->name);
}

static void unsay(const struct run *run)
{
    if (run->hidden && !run->brief && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

void run_make(struct run *run, const struct options *options, struct strings *strings)
{
    const char *folder = folder_make();
    int64_t started_ms = now_ms();
    int ends[2] = {-1, -1};
    pid_t first;

    if (run->hidden && pipe2(ends, O_CLOEXEC) != 0)
        die(3, "no pipe: %s", strerror(errno));
    if (run->hidden)
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    prepare_environment(run, options, folder);
    say_what_runs(run);
    block_signals();
    start(run, options, ends[1]);
    if (run->hidden)
        close(ends[1]);
    first = runs.child;
    watch(run, ends[0]);
    sigprocmask(SIG_SETMASK, &runs.outside, NULL);
    if (run->hidden)
        close(ends[0]);
    unsay(run);
    run->took_ms = now_ms() - started_ms;
    run->made = true;
    report_read(folder, strcmp(run->name, "trap") == 0, &run->report, strings);
    unseen_read(folder, first, options->command[0], &run->unseen, strings);
    folder_remove();
}
