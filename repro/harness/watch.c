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

enum { shortest_tick_ms = 2, spin_tick_ms = 16, longest_tick_ms = 20 };

static double clock_ms(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The child, and what is known about it. */
struct watched {
    struct report *report;
    pid_t child;
    clockid_t clock; /* of the child's processor time */
    unsigned limit_ms;
    struct proof *proof;
    /* Its last progress, and the time used since. */
    unsigned progress;
    double processor_ms; /* of the child, at that moment */
    double waited_ms;    /* since then, as far as it counts against the limit */
    /* The last tick. */
    double seen_ms;
    double used_ms;   /* the child's processor time then */
    unsigned tick_ms; /* how long it was, if not a short one between two looks */
    bool soon;        /* the next look may prove a hang */
};

/* A hang is proven by several looks, whatever the time between them; so they follow each other
 * soon. Otherwise the time doubles from tick to tick: most runs are short. */
static unsigned next_tick_ms(struct watched *watched)
{
    if (watched->soon)
        return shortest_tick_ms;
    watched->tick_ms *= 2;
    if (watched->tick_ms > longest_tick_ms)
        watched->tick_ms = longest_tick_ms;
    return watched->tick_ms;
}

/* Has the child made no progress since the last tick? */
static bool stands(struct watched *watched)
{
    unsigned progress = watched->report->progress;

    if (progress == watched->progress)
        return true;
    watched->progress = progress;
    watched->processor_ms = watched->used_ms = clock_ms(watched->clock);
    watched->seen_ms = clock_ms(CLOCK_MONOTONIC);
    watched->waited_ms = 0;
    return false;
}

/* The time since the last tick counts as two long ticks at most: if it is longer, the parent itself
 * did not run. */
static bool used_up(struct watched *watched, enum threads_state state)
{
    double now_ms = clock_ms(CLOCK_MONOTONIC);
    double elapsed_ms = now_ms - watched->seen_ms;

    watched->seen_ms = now_ms;
    watched->used_ms = clock_ms(watched->clock);
    if (state == THREADS_WAIT)
        watched->waited_ms += elapsed_ms < 2 * longest_tick_ms ? elapsed_ms : 2 * longest_tick_ms;
    return watched->used_ms - watched->processor_ms > watched->limit_ms ||
           watched->waited_ms > watched->limit_ms;
}

/* A look costs time, in which many a run ends. A child that has used no processor since the last
 * tick may be blocked; one that has may spin, but first it gets a longer tick to end. */
static bool is_worth_a_look(const struct watched *watched)
{
    return watched->soon || watched->tick_ms >= spin_tick_ms ||
           clock_ms(watched->clock) == watched->used_ms;
}

static bool hangs(struct watched *watched)
{
    enum threads_state state = THREADS_RUN;
    bool look;

    if (!stands(watched)) {
        proof_forget(watched->proof);
        watched->soon = false;
        return false;
    }
    look = is_worth_a_look(watched);
    watched->soon = false;
    if (look)
        state = proof_look(watched->proof, watched->report, watched->child, &watched->soon);
    if (state == THREADS_DEADLOCKED && watched->report->progress == watched->progress) {
        watched->report->proven = true;
        return true;
    }
    return used_up(watched, state);
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
    struct watched watched = {.report = report,
                              .child = child,
                              .limit_ms = limit_ms,
                              .proof = proof_new(),
                              .seen_ms = clock_ms(CLOCK_MONOTONIC),
                              .tick_ms = shortest_tick_ms / 2};
    sigset_t child_signal;
    int status;

    if (clock_getcpuclockid(child, &watched.clock) != 0)
        watched.clock = CLOCK_MONOTONIC;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    while (waitpid(child, &status, WNOHANG) == 0) {
        const struct timespec tick = {.tv_nsec = next_tick_ms(&watched) * 1000000L};

        sigtimedwait(&child_signal, NULL, &tick);
        show_progress(report, false);
        if (!report->hung && hangs(&watched)) {
            report->hung = true;
            kill(child, SIGKILL);
        }
    }
    show_progress(report, true);
    proof_delete(watched.proof);
    return status;
}
