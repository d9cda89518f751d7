/*
 * child.c - process isolation: the body runs in a child, which may crash or hang; the parent
 * watches, and reads what the child wrote down before it did.
 */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

static struct report *crash_report; /* for the handler, which gets no argument of ours */

static void on_crash(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (crash_report->signal == 0) { /* the first thread to crash is the one reported */
        crash_report->signal = signal;
        crash_report->address_known = info->si_code > 0 &&
                                      (signal == SIGSEGV || signal == SIGBUS) &&
                                      info->si_code != SI_KERNEL;
        crash_report->address = (uintptr_t)info->si_addr;
    }
    _exit(3); /* an orderly end: no core file, and the same under every sanitizer */
}

static void catch_crashes(struct report *report)
{
    static char stack[64 << 10];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    crash_report = report;
    sigaltstack(&alternate, NULL);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal_signals / sizeof *fatal_signals; i++)
        sigaction(fatal_signals[i], &action, NULL);
}

static bool run_body(struct repro_run *run)
{
    struct zk_audit_summary audit;

    if (!profile_apply(run)) {
        fprintf(stderr, "%s: the allocator refused profile %s: %s\n", repro.slug,
                profile_name(run->settings.profile), strerror(errno));
        run->report->failed = true;
        return false;
    }
    run->report->recycles_live = profile_recycles_live(run->settings.profile);
    repro.body(run);
    if (zk_audit_summary(&audit) == 0) {
        run->report->retained_known = true;
        run->report->retained_max = audit.arena_retained_max;
        run->report->touched_count = audit.touched_count;
        run->report->touched_max = audit.touched_max;
    }
    if (run->settings.audit != ZK_AUDIT_OFF)
        zk_audit_report(-1); /* this process ends by _exit */
    run->report->finished = true;
    return true;
}

static _Noreturn void child_main(struct repro_run *run, pid_t parent, const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(3); /* it died before we asked to be told */
    sigprocmask(SIG_SETMASK, mask, NULL);
    catch_crashes(run->report);
    _exit(run_body(run) ? 0 : 3);
}

static double clock_ms(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* When the child last got on, by two clocks. */
struct progress {
    unsigned count;
    double wall_ms;
    double processor_ms;
};

/* Without progress for limit_ms of the child's own processor time, it spins; for four times as long
 * with next to none, it waits for what never comes. A busy machine slows down both the child and
 * its clock. */
static bool hangs(struct progress *last, const struct report *report, clockid_t child_clock,
                  unsigned limit_ms)
{
    double processor_ms = clock_ms(child_clock);
    double wall_ms = clock_ms(CLOCK_MONOTONIC);

    if (report->progress != last->count) {
        *last = (struct progress){report->progress, wall_ms, processor_ms};
        return false;
    }
    return processor_ms - last->processor_ms > limit_ms ||
           (wall_ms - last->wall_ms > 4.0 * limit_ms &&
            processor_ms - last->processor_ms < 0.05 * limit_ms) ||
           wall_ms - last->wall_ms > 100.0 * limit_ms;
}

/* On a terminal, and where it takes long enough to be read: the cycle that the child is in. */
static void show_progress(const struct report *report, bool over)
{
    static double started;
    static bool shown;

    if (started == 0)
        started = clock_ms(CLOCK_MONOTONIC);
    if (shown && over)
        fputs("\r\033[K", stderr);
    if (over || clock_ms(CLOCK_MONOTONIC) - started < 500 || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K%s: cycle %u", repro.slug, report->cycles);
    shown = true;
}

/* Waits for the child; kills it when it hangs. SIGCHLD is blocked. */
static int watch(struct report *report, pid_t child, unsigned limit_ms)
{
    struct progress last = {.wall_ms = clock_ms(CLOCK_MONOTONIC)};
    clockid_t child_clock;
    sigset_t child_signal;
    int status;

    if (clock_getcpuclockid(child, &child_clock) != 0)
        child_clock = CLOCK_MONOTONIC;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    while (waitpid(child, &status, WNOHANG) == 0) {
        const struct timespec tick = {.tv_nsec = 20000000};

        sigtimedwait(&child_signal, NULL, &tick);
        show_progress(report, false);
        if (!report->hung && hangs(&last, report, child_clock, limit_ms)) {
            report->hung = true;
            kill(child, SIGKILL);
        }
    }
    show_progress(report, true);
    return status;
}

static struct report *new_report(void)
{
    struct report *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return report == MAP_FAILED ? NULL : report;
}

/* Runs the body in a child process, with a report of its own. */
static bool run_child(struct repro_run *run)
{
    pid_t parent = getpid();
    sigset_t blocked;
    sigset_t before;
    pid_t child;
    int status;

    run->report = new_report();
    if (run->report == NULL) {
        fprintf(stderr, "%s: no memory for the report: %s\n", repro.slug, strerror(errno));
        return false;
    }
    run->forked = true;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    fflush(NULL);
    child = fork();
    if (child < 0) {
        fprintf(stderr, "%s: no child process: %s\n", repro.slug, strerror(errno));
        return false;
    }
    if (child == 0)
        child_main(run, parent, &before);

    status = watch(run->report, child, run->settings.limit_ms);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (WIFSIGNALED(status) && !run->report->hung && run->report->signal == 0)
        run->report->signal = WTERMSIG(status); /* one that cannot be caught, or that came twice */
    if (run->report->failed)
        return false;
    if (!run->report->finished && !run->report->hung && run->report->signal == 0) {
        fprintf(stderr, "%s: the child ended early, with status %d\n", repro.slug,
                WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return false;
    }
    return true;
}

/* What is retained in the arena, by a run in which nothing but that is looked at. */
static void take_census(struct repro_run *run)
{
    struct report *verdict = run->report;
    struct repro_run *counting = malloc(sizeof *counting);

    verdict->retained_count = 0;
    if (counting == NULL)
        return;
    *counting = *run;
    counting->counting = true;
    counting->settings.filler = false;
    if (run_child(counting) && counting->report->finished) {
        verdict->retained_known = counting->report->retained_known;
        verdict->retained_count = counting->report->retained_count;
        verdict->retained_max = counting->report->retained_max;
    }
    free(counting);
}

bool child_run(struct repro_run *run)
{
    if (!run_child(run))
        return false;
    if (run->settings.audit == ZK_AUDIT_OFF && !run->report->skipped)
        take_census(run);
    return true;
}

bool child_run_here(struct repro_run *run)
{
    run->report = new_report();
    if (run->report == NULL) {
        fprintf(stderr, "%s: no memory for the report: %s\n", repro.slug, strerror(errno));
        return false;
    }
    return run_body(run);
}
