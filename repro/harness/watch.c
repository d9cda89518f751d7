/*
 * watch.c - the parent watches the child: does it make progress, has it ended, or does it hang?
 *
 * The child hangs if that is proven (proof.c), or if it has used up the time limit without
 * progress. Only time in which it could have made progress counts: its own processor time, and time
 * in which all of its threads wait for something. Time does not count while the child is stopped,
 * while it waits for a processor, or while the machine is suspended.
 */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { tick_ms = 20 };

static double clock_ms(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The child's last progress, and the time used since. */
struct progress {
    unsigned count;
    double processor_ms; /* of the child, at that moment */
    double seen_ms;      /* when the parent last looked */
    double waited_ms;    /* since then, as far as it counts against the limit */
};

/* Has the child made no progress since the last look? */
static bool stands(struct progress *last, const struct report *report, clockid_t child_clock)
{
    unsigned count = report->progress;

    if (count == last->count)
        return true;
    *last = (struct progress){.count = count,
                              .processor_ms = clock_ms(child_clock),
                              .seen_ms = clock_ms(CLOCK_MONOTONIC)};
    return false;
}

/* The time since the last look counts as one tick at most: if it is longer, the parent itself did
 * not run. */
static bool used_up(struct progress *last, enum threads_state state, clockid_t child_clock,
                    unsigned limit_ms)
{
    double now_ms = clock_ms(CLOCK_MONOTONIC);
    double elapsed_ms = now_ms - last->seen_ms;

    last->seen_ms = now_ms;
    if (state == THREADS_WAIT)
        last->waited_ms += elapsed_ms < 2 * tick_ms ? elapsed_ms : 2 * tick_ms;
    return clock_ms(child_clock) - last->processor_ms > limit_ms || last->waited_ms > limit_ms;
}

static bool hangs(struct progress *last, struct report *report, struct proof *proof, pid_t child,
                  clockid_t child_clock, unsigned limit_ms)
{
    enum threads_state state;

    if (!stands(last, report, child_clock)) {
        proof_forget(proof);
        return false;
    }
    state = proof_look(proof, report, child);
    if (state == THREADS_DEADLOCKED && report->progress == last->count) {
        report->proven = true;
        return true;
    }
    return used_up(last, state, child_clock, limit_ms);
}

/* Shows the child's current cycle: on a terminal, and only if the run takes long enough to read
 * it. */
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

int watch(struct report *report, pid_t child, unsigned limit_ms)
{
    struct progress last = {.seen_ms = clock_ms(CLOCK_MONOTONIC)};
    struct proof *proof = proof_new();
    clockid_t child_clock;
    sigset_t child_signal;
    int status;

    if (clock_getcpuclockid(child, &child_clock) != 0)
        child_clock = CLOCK_MONOTONIC;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    while (waitpid(child, &status, WNOHANG) == 0) {
        const struct timespec tick = {.tv_nsec = tick_ms * 1000000};

        sigtimedwait(&child_signal, NULL, &tick);
        show_progress(report, false);
        if (!report->hung && hangs(&last, report, proof, child, child_clock, limit_ms)) {
            report->hung = true;
            kill(child, SIGKILL);
        }
    }
    show_progress(report, true);
    proof_delete(proof);
    return status;
}
