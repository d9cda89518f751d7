/*
 * runner.c - makes several runs at once, each in its own process group; none outlives us.
 *
 * A repro's own child asks the kernel to die with its parent, so killing the group of the repro is
 * enough. A busy machine can make a run look like a hang; so a run that hangs is made again, alone
 * and with a long limit. If it hangs again, runs of that repro and profile at a smaller MIN_BYTES
 * need not be repeated: there, the same blocks are recycled, and more.
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

enum {
    RUN_WORDS_MOST = 32,
    LONG_TIMES = 4,         /* the limit of a run that is made again: so many times --timeout ... */
    LONG_LIMIT_MS = 60000,  /* ... or this, without --timeout */
    LIMIT_MOST_MS = 3600000 /* the largest that a repro accepts */
};

/* Appends the words of text, which may be NULL, and terminates the list. For a process that is
 * about to exec or exit: the memory is not freed. */
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
                               const struct options *options, int pipe_end, pid_t parent)
{
    unsigned timeout_ms = options->timeout_ms;
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
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    dup2(nowhere, STDIN_FILENO);
    dup2(pipe_end, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO); /* hides the messages of a dying victim */
    snprintf(profile, sizeof profile, "%s", profile_names[run->profile]);
    if (run->again)
        timeout_ms = timeout_ms != 0 ? LONG_TIMES * timeout_ms : LONG_LIMIT_MS;
    if (timeout_ms > LIMIT_MOST_MS)
        timeout_ms = LIMIT_MOST_MS;
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
    if (options->keep_environment)
        arguments[count++] = "--keep-env";
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
        exec_run(run, entry, options, ends[1], parent);
    setpgid(run->pid, run->pid); /* parent and child both do it: either may come first */
    close(ends[1]);
    run->pipe = ends[0];
    run->length = 0;
    memset(run->fields, 0, sizeof run->fields);
    /* The repro itself enforces its limit on the time without progress. This one is for a repro
     * that always makes progress and never ends. */
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

void runner_again(struct run *run)
{
    run->again = true;
    run->done = false;
}

static bool hung(const struct run *run)
{
    const char *outcome = run->fields[RECORD_FIELDS - 1] != NULL ? run->fields[FIELD_OUTCOME] : "";

    return strcmp(outcome, "hang") == 0;
}

/* Did the run hang, and is the repro known to hang in that profile, when run alone, at that
 * MIN_BYTES or more? */
static bool is_known_to_hang(const struct plan *plan, const struct run *run)
{
    if (!hung(run) || run->arguments != NULL)
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct run *other = plan->runs[i];

        if (other->done && other->alone && other->entry == run->entry &&
            other->profile == run->profile && other->audit == run->audit &&
            other->arguments == NULL && hung(other) &&
            atol(other->fields[FIELD_MIN_BYTES]) >= atol(run->fields[FIELD_MIN_BYTES]))
            return true;
    }
    return false;
}

/* Does the run's result count? */
static bool counts(const struct plan *plan, const struct run *run)
{
    return run->alone || (run->done && (!hung(run) || is_known_to_hang(plan, run)));
}

/* Reads what the run has printed; true when the run has ended. */
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
    run->alone = run->again;
    if (!run->done && run->alone)
        die(3, "%s --profile %s: gave no record, twice (status 0x%x): run it by hand", entry->slug,
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

static void show(const struct plan *plan, const struct run *run, const struct catalogue *catalogue)
{
    char current[128];

    snprintf(current, sizeof current, "%s %s", catalogue->entries[run->entry].slug,
             profile_names[run->profile]);
    progress_show(count_done(plan), plan->count, current);
}

/* The runs under way, and those still to come. */
struct runs {
    struct plan *plan;
    const struct catalogue *catalogue;
    const struct options *options;
    void (*ready)(void *arg, struct run *run);
    void *arg;
    struct run **active;
    struct pollfd *polled;
    size_t active_count;
    size_t next; /* in the plan */
};

static void begin(struct runs *runs, struct run *run)
{
    start(run, &runs->catalogue->entries[run->entry], runs->options);
    runs->active[runs->active_count++] = run;
    show(runs->plan, run, runs->catalogue);
}

/* Ends a run whose result counts. */
static void end(struct runs *runs, struct run *run)
{
    run->done = true;
    run->again = false;
    show(runs->plan, run, runs->catalogue);
    if (runs->ready != NULL)
        runs->ready(runs->arg, run);
}

/* Of the runs that are to be made again, the one at the largest MIN_BYTES: it may make others
 * unnecessary, whose first result then counts. */
static struct run *next_again(struct runs *runs)
{
    struct run *next = NULL;

    for (size_t i = 0; i < runs->plan->count; i++) {
        struct run *run = runs->plan->runs[i];

        if (run->done || !run->again)
            continue;
        if (is_known_to_hang(runs->plan, run))
            end(runs, run);
        else if (next == NULL || run->min_bytes > next->min_bytes)
            next = run;
    }
    return next;
}

/* The run of the same repro and profile at the profile's own MIN_BYTES; NULL if there is none, or if
 * run is no such run at a threshold. */
static const struct run *own_of(const struct plan *plan, const struct run *run)
{
    if (run->audit != NO_AUDIT || run->arguments != NULL || run->min_bytes == OWN_MIN_BYTES)
        return NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct run *own = plan->runs[i];

        if (own->entry == run->entry && own->profile == run->profile &&
            own->min_bytes == OWN_MIN_BYTES && own->audit == NO_AUDIT)
            return own;
    }
    return NULL;
}

/* Is the run's threshold the profile's own MIN_BYTES, at which it has been run? */
static bool is_made(const struct run *run, const struct run *own)
{
    unsigned long min_bytes;

    return own != NULL && own->done && parse_number(own->fields[FIELD_MIN_BYTES], &min_bytes) &&
           min_bytes == (unsigned long)run->min_bytes;
}

/* Gives the run the result of another at the same point. */
static void take_result(struct run *run, const struct run *of)
{
    memcpy(run->output, of->output, sizeof run->output);
    for (int i = 0; i < RECORD_FIELDS; i++)
        run->fields[i] = run->output + (of->fields[i] - of->output);
    run->alone = of->alone;
}

/* A run under the trap never waits, so more than the processors can run only slow each other down. */
static bool has_room(const struct runs *runs, const struct run *run)
{
    size_t traps = 0;

    for (size_t i = 0; i < runs->active_count; i++)
        traps += runs->active[i]->audit == TRAP;
    return runs->active_count < runs->options->jobs &&
           (run->audit != TRAP || traps < runs->options->traps);
}

/* Starts the plan's next runs, as many as there is room for. Does not start one that may be the
 * same as another under way. */
static void begin_next(struct runs *runs)
{
    while (runs->next < runs->plan->count) {
        struct run *run = runs->plan->runs[runs->next];
        const struct run *own;

        if (!has_room(runs, run))
            return;
        own = own_of(runs->plan, run);
        if (own != NULL && own->pid != 0)
            return;
        runs->next++;
        if (run->done || run->again)
            continue;
        if (is_made(run, own)) {
            take_result(run, own);
            end(runs, run);
        } else {
            begin(runs, run);
        }
    }
}

/* Starts as many runs as there is room for; a run that is made again runs alone. */
static void begin_some(struct runs *runs)
{
    struct run *again;

    begin_next(runs);
    if (runs->active_count > 0)
        return;
    again = next_again(runs);
    if (runs->next < runs->plan->count) /* runs that ended may have added others */
        begin_some(runs);
    else if (again != NULL)
        begin(runs, again);
}

static void check_deadline(struct run *run, const struct catalogue *catalogue)
{
    if (now_ms() <= run->deadline_ms)
        return;
    kill_run(run);
    die(3, "%s --profile %s: still running after ten minutes", catalogue->entries[run->entry].slug,
        profile_names[run->profile]);
}

/* Waits for output, or the end, of runs under way. */
static void take_some(struct runs *runs)
{
    for (size_t i = 0; i < runs->active_count; i++)
        runs->polled[i] = (struct pollfd){.fd = runs->active[i]->pipe, .events = POLLIN};
    poll(runs->polled, runs->active_count, 100);
    for (size_t i = runs->active_count; i-- > 0;) {
        struct run *run = runs->active[i];

        check_deadline(run, runs->catalogue);
        if (runs->polled[i].revents == 0 || !drain(run, &runs->catalogue->entries[run->entry]))
            continue;
        runs->active[i] = runs->active[--runs->active_count];
        if (counts(runs->plan, run))
            end(runs, run);
        else
            runner_again(run);
    }
}

bool runner_run(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                void (*ready)(void *arg, struct run *run), void *arg)
{
    struct runs runs = {.plan = plan,
                        .catalogue = catalogue,
                        .options = options,
                        .ready = ready,
                        .arg = arg,
                        .active = need(calloc(options->jobs, sizeof(struct run *))),
                        .polled = need(calloc(options->jobs, sizeof *runs.polled))};

    watch_signals();
    while (!interrupted) {
        begin_some(&runs);
        if (runs.active_count == 0)
            break;
        take_some(&runs);
    }
    for (size_t i = 0; i < runs.active_count; i++)
        kill_run(runs.active[i]);
    progress_clear();
    free(runs.active);
    free(runs.polled);
    return !interrupted;
}
