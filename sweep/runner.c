/*
 * runner.c - some runs at once, each in its own process group; none survives us.
 *
 * A repro's own child asks the kernel to die with its parent, so killing the group of the repro is
 * enough.
 */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    interrupted = signal;
}

enum { RUN_WORDS_MOST = 32 };

/* Appends the words of text, if there is any, and ends the list. In a process that ends soon: its
 * memory is not freed. */
static void split_arguments(const char *text, char **arguments)
{
    char *save;
    char *copy = text != NULL ? need(strdup(text)) : NULL;
    char *word = copy != NULL ? strtok_r(copy, " ", &save) : NULL;
    size_t count = 0;

    for (; word != NULL && count < RUN_WORDS_MOST; word = strtok_r(NULL, " ", &save))
        arguments[count++] = word;
    arguments[count] = NULL;
}

static _Noreturn void exec_run(const struct run *run, const struct entry *entry,
                               unsigned timeout_ms, int pipe_end, pid_t parent)
{
    char profile[32];
    char min_bytes[32];
    char timeout[32];
    char *arguments[16 + RUN_WORDS_MOST] = {entry->path, "--tsv", "--profile", profile};
    size_t count = 4;
    int nowhere = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(3);
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    dup2(nowhere, STDIN_FILENO);
    dup2(pipe_end, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO); /* what a dying victim says is not of interest */
    snprintf(profile, sizeof profile, "%s", profile_names[run->profile]);
    if (timeout_ms != 0) {
        snprintf(timeout, sizeof timeout, "%u", timeout_ms);
        arguments[count++] = "--timeout";
        arguments[count++] = timeout;
    }
    if (run->min_bytes != OWN_MIN_BYTES) {
        snprintf(min_bytes, sizeof min_bytes, "%ld", run->min_bytes);
        arguments[count++] = "--min-bytes";
        arguments[count++] = min_bytes;
    }
    unsetenv("ZK_ALLOC_AUDIT"); /* the sweep's own to choose */
    if (run->audit != NO_AUDIT) {
        arguments[count++] = "--audit";
        arguments[count++] = run->audit == CENSUS ? "census" : "trap";
        setenv("ZK_ALLOC_AUDIT_OUT", run->audit_out != NULL ? run->audit_out : "/dev/null", 1);
    }
    split_arguments(run->arguments, arguments + count);
    execv(entry->path, arguments);
    _exit(3);
}

static void start(struct run *run, const struct entry *entry, const struct options *options)
{
    int ends[2];
    pid_t parent = getpid();

    if (pipe2(ends, O_CLOEXEC) != 0)
        die(3, "no pipe: %s", strerror(errno));
    run->pid = fork();
    if (run->pid < 0)
        die(3, "no child process: %s", strerror(errno));
    if (run->pid == 0)
        exec_run(run, entry, options->timeout_ms, ends[1], parent);
    setpgid(run->pid, run->pid); /* whoever comes first */
    close(ends[1]);
    run->pipe = ends[0];
    /* The repro itself looks after its time limit, which is one without progress. This is for a
     * repro that always gets on and never ends. */
    run->deadline_ms = now_ms() + 600e3;
}

static void kill_run(struct run *run)
{
    kill(-run->pid, SIGKILL);
    waitpid(run->pid, NULL, 0);
    close(run->pipe);
    run->pid = 0;
}

static void parse_record(struct run *run)
{
    char *at = run->output;

    run->output[run->length] = '\0';
    at[strcspn(at, "\n")] = '\0';
    for (int i = 0; i < RECORD_FIELDS; i++)
        run->fields[i] = strsep(&at, "\t");
    run->done = run->fields[RECORD_FIELDS - 1] != NULL && at == NULL;
}

/* Takes what the run has printed; true when it has ended. */
static bool drain(struct run *run, const struct entry *entry)
{
    ssize_t got = read(run->pipe, run->output + run->length, sizeof run->output - 1 - run->length);
    int status;

    if (got > 0) {
        run->length += (size_t)got;
        return false;
    }
    if (got < 0 && errno == EINTR)
        return false;
    close(run->pipe);
    waitpid(run->pid, &status, 0);
    run->pid = 0;
    parse_record(run);
    if (!run->done)
        die(3, "%s --profile %s: gave no record (status 0x%x): run it by hand", entry->slug,
            profile_names[run->profile], (unsigned)status);
    return true;
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static size_t count_done(const struct plan *plan)
{
    size_t done = 0;

    for (size_t i = 0; i < plan->count; i++)
        done += plan->runs[i]->done;
    return done;
}

static void show(const struct plan *plan, size_t done, const struct run *run,
                 const struct catalogue *catalogue)
{
    char current[128];

    snprintf(current, sizeof current, "%s %s", catalogue->entries[run->entry].slug,
             profile_names[run->profile]);
    progress_show(done, plan->count, current);
}

bool runner_run(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                void (*ready)(void *arg, struct run *run), void *arg)
{
    struct run **running = need(calloc(options->jobs, sizeof(struct run *)));
    struct pollfd *polled = need(calloc(options->jobs, sizeof *polled));
    size_t active = 0;
    size_t next = 0;
    size_t done = count_done(plan);

    watch_signals();
    for (;;) {
        while (active < options->jobs && next < plan->count && !interrupted) {
            struct run *run = plan->runs[next++];

            if (run->done)
                continue;
            start(run, &catalogue->entries[run->entry], options);
            running[active++] = run;
            show(plan, done, run, catalogue);
        }
        if (active == 0 || interrupted)
            break;
        for (size_t i = 0; i < active; i++)
            polled[i] = (struct pollfd){.fd = running[i]->pipe, .events = POLLIN};
        poll(polled, active, 100);
        for (size_t i = active; i-- > 0;) {
            struct run *run = running[i];

            if (now_ms() > run->deadline_ms) {
                kill_run(run);
                die(3, "%s --profile %s: still running after ten minutes",
                    catalogue->entries[run->entry].slug, profile_names[run->profile]);
            }
            if (polled[i].revents == 0 || !drain(run, &catalogue->entries[run->entry]))
                continue;
            running[i] = running[--active];
            show(plan, ++done, run, catalogue);
            if (ready != NULL)
                ready(arg, run);
        }
    }
    for (size_t i = 0; i < active; i++)
        kill_run(running[i]);
    progress_clear();
    free(running);
    free(polled);
    return !interrupted;
}
