/*
 * proof.c - the proof that a child hangs: each of its threads waits for another of them.
 *
 * A thread waits if it is blocked in a futex system call without a timeout, as in a lock, a
 * condition, a semaphore, a barrier or a join; or if it spins on something that only another thread
 * can change (watcher_looked). The parent looks at all threads three times. A thread that was
 * blocked at the first look and was not scheduled until the third was blocked at the second look; a
 * thread that was in the same spin loop at all three was in it at the second. So at the moment of
 * the second look every thread was waiting, and no thread is left that could end any wait. The
 * proof does not depend on time.
 *
 * Two things could end a wait unseen: a signal from another process, and ITIMER_REAL. No repro uses
 * them.
 */
#include "run.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { looks_needed = 2 }; /* that find no change, after the first look */

/* One thread at one look. */
struct seen {
    pid_t thread;
    char state; /* the letter in /proc: R, S, D, T ... */
    bool blocked;
    unsigned long switches; /* context switches, voluntary or not */
    unsigned waits;         /* begun, as told to watcher_looked */
    uint64_t looks;         /* calls of watcher_looked */
};

struct threads {
    size_t count; /* 0: not known */
    struct seen of[PROOF_THREADS_MAX];
};

struct proof {
    struct threads base;
    struct threads now;
    unsigned held; /* looks in a row that found no change */
};

/* ---- In the child ---- */

static struct report *own_report; /* NULL where nobody watches */

void proof_watch_models(struct report *report)
{
    own_report = report;
}

/* The calling thread can never get on: it blocks for ever, so that the parent sees it wait. */
void watcher_endless(const char *why)
{
    static unsigned never;

    if (own_report == NULL)
        return;
    own_report->endless_why = why;
    for (;;)
        syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

void watcher_looked(bool first)
{
    static _Thread_local struct looker *mine;

    if (own_report == NULL)
        return;
    if (mine == NULL) {
        unsigned index;

        if (own_report->looker_count >= PROOF_THREADS_MAX)
            return; /* this thread is not seen to wait, so no hang is proven */
        index = atomic_fetch_add(&own_report->looker_count, 1);
        if (index >= PROOF_THREADS_MAX)
            return;
        mine = &own_report->lookers[index];
        mine->thread = (pid_t)syscall(SYS_gettid);
    }
    if (first)
        atomic_fetch_add(&mine->waits, 1);
    atomic_fetch_add(&mine->looks, 1);
}

/* ---- In the parent ---- */

static bool read_file(const char *path, char *text, size_t room)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes;

    if (from < 0)
        return false;
    bytes = read(from, text, room - 1);
    close(from);
    text[bytes > 0 ? bytes : 0] = '\0';
    return bytes >= 0;
}

/* The number after a key in /proc/.../status. */
static unsigned long field(const char *status, const char *key)
{
    const char *at = strstr(status, key);

    return at != NULL ? strtoul(at + strlen(key), NULL, 10) : 0;
}

/* "202 0x7f... 0x189 0x0 0x0 ...": the number of the system call and its arguments, in hex. */
static bool waits_without_limit(const char *system_call)
{
    unsigned long arguments[4];
    char *end;
    long number = strtol(system_call, &end, 10);

    if (!isdigit((unsigned char)*system_call) || number != SYS_futex) /* or the word "running" */
        return false;
    for (int i = 0; i < 4; i++)
        arguments[i] = strtoul(end, &end, 16);
    switch ((unsigned)arguments[1] & ~(unsigned)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
        return arguments[3] == 0;
    default:
        return false;
    }
}

/* State and switches are read before the system call: if the thread runs and blocks again between
 * the two reads, the next look finds more switches. */
static bool look_at(struct seen *seen, const struct report *report, pid_t child)
{
    char path[64];
    char text[4096];
    const char *state;
    unsigned lookers = report->looker_count;

    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)child, (int)seen->thread);
    if (!read_file(path, text, sizeof text) || (state = strstr(text, "\nState:\t")) == NULL)
        return false;
    seen->state = state[strlen("\nState:\t")];
    seen->switches = field(text, "\nvoluntary_ctxt_switches:\t") +
                     field(text, "\nnonvoluntary_ctxt_switches:\t");
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)child, (int)seen->thread);
    seen->blocked =
        seen->state == 'S' && read_file(path, text, sizeof text) && waits_without_limit(text);
    for (unsigned i = 0; i < lookers && i < PROOF_THREADS_MAX; i++) {
        if (report->lookers[i].thread != seen->thread)
            continue;
        seen->waits = report->lookers[i].waits;
        seen->looks = report->lookers[i].looks;
    }
    return true;
}

static int by_thread(const void *a, const void *b)
{
    const struct seen *left = a;
    const struct seen *right = b;

    return (left->thread > right->thread) - (left->thread < right->thread);
}

static void look_at_all(struct threads *threads, const struct report *report, pid_t child)
{
    char path[64];
    DIR *tasks;
    struct dirent *task;

    threads->count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)child);
    tasks = opendir(path);
    if (tasks == NULL)
        return;
    while ((task = readdir(tasks)) != NULL) {
        struct seen *seen = &threads->of[threads->count];

        if (!isdigit((unsigned char)task->d_name[0]))
            continue;
        if (threads->count == PROOF_THREADS_MAX) {
            threads->count = 0;
            break;
        }
        *seen = (struct seen){.thread = (pid_t)strtol(task->d_name, NULL, 10)};
        if (look_at(seen, report, child))
            threads->count++;
    }
    closedir(tasks);
    qsort(threads->of, threads->count, sizeof *threads->of, by_thread);
}

enum change { CHANGED, UNDECIDED, HELD };

/* UNDECIDED: a thread that spins did not look again since; it may have had no processor. */
static enum change compare(const struct threads *base, const struct threads *now)
{
    enum change change = HELD;

    if (now->count == 0 || base->count != now->count)
        return CHANGED;
    for (size_t i = 0; i < now->count; i++) {
        const struct seen *before = &base->of[i];
        const struct seen *after = &now->of[i];

        if (before->thread != after->thread)
            return CHANGED;
        if (before->blocked && after->blocked && before->switches == after->switches)
            continue;
        if (before->blocked || after->blocked || before->waits == 0 ||
            before->waits != after->waits)
            return CHANGED;
        if (before->looks == after->looks)
            change = UNDECIDED;
    }
    return change;
}

/* Does the child have no children and no timers, which could end a wait? */
static bool alone(pid_t child, const struct threads *threads)
{
    char path[64];
    char text[64];

    snprintf(path, sizeof path, "/proc/%d/timers", (int)child);
    if (!read_file(path, text, sizeof text) || text[0] != '\0')
        return false;
    for (size_t i = 0; i < threads->count; i++) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)child,
                 (int)threads->of[i].thread);
        if (!read_file(path, text, sizeof text) || text[0] != '\0')
            return false;
    }
    return true;
}

static enum threads_state state_of(const struct threads *threads)
{
    enum threads_state state = THREADS_WAIT;

    for (size_t i = 0; i < threads->count; i++) {
        if (strchr("Tt", threads->of[i].state) != NULL)
            return THREADS_STOPPED;
        if (threads->of[i].state != 'S')
            state = THREADS_RUN;
    }
    return state;
}

enum threads_state proof_look(struct proof *proof, const struct report *report, pid_t child,
                              bool *soon)
{
    enum threads_state state;
    bool first;

    if (proof == NULL)
        return THREADS_WAIT;
    first = proof->base.count == 0;
    look_at_all(&proof->now, report, child);
    *soon = first && proof->now.count > 0;
    state = state_of(&proof->now);
    switch (compare(&proof->base, &proof->now)) {
    case UNDECIDED:
        return state;
    case CHANGED:
        proof->held = 0;
        break;
    case HELD:
        proof->held++;
        *soon = proof->held < looks_needed;
        break;
    }
    proof->base = proof->now;
    return proof->held >= looks_needed && state != THREADS_STOPPED && alone(child, &proof->now)
               ? THREADS_DEADLOCKED
               : state;
}

void proof_forget(struct proof *proof)
{
    if (proof == NULL)
        return;
    proof->base.count = 0;
    proof->held = 0;
}

struct proof *proof_new(void)
{
    return calloc(1, sizeof(struct proof));
}

void proof_delete(struct proof *proof)
{
    free(proof);
}
