/*
 * child.c - process isolation: the body runs in a child, which may crash or hang; the parent then
 * reads the report that the child kept in shared memory.
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
#include <unistd.h>

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

static struct report *crash_report; /* a signal handler cannot be given an argument */

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
    _exit(3); /* no core file, and the same exit under every sanitizer */
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
        _exit(3); /* the parent died before the prctl took effect */
    sigprocmask(SIG_SETMASK, mask, NULL);
    catch_crashes(run->report);
    proof_watch_models(run->report);
    _exit(run_body(run) ? 0 : 3);
}

/* Harm before the first boundary is not caused by a boundary: such a run shows nothing. */
static bool is_early(const struct report *report)
{
    if (report->early)
        fprintf(stderr,
                "%s: wrong before the first boundary (%s): nothing can be said of boundaries\n",
                repro.slug, report->wrong[0] != '\0' ? report->wrong : "the filler changed");
    return report->early;
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
    if (run->report->finished) /* it finished just before it was killed */
        run->report->hung = false;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (WIFSIGNALED(status) && !run->report->hung && run->report->signal == 0)
        run->report->signal = WTERMSIG(status); /* cannot be caught, or arrived a second time */
    if (run->report->failed || is_early(run->report))
        return false;
    if (!run->report->finished && !run->report->hung && run->report->signal == 0) {
        fprintf(stderr, "%s: the child ended early, with status %d\n", repro.slug,
                WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return false;
    }
    return true;
}

/* Counts what is retained in the arena, in a second run that serves for nothing else. */
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
    return run_body(run) && !is_early(run->report);
}
