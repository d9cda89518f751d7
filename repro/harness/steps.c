/*
 * steps.c - what a body does: begin, use, check, end.
 */
#include "run.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

unsigned repro_cycles(const struct repro_run *run)
{
    return run->settings.cycles;
}

unsigned repro_threads(const struct repro_run *run)
{
    return run->settings.threads;
}

unsigned long repro_option(const struct repro_run *run, const char *name)
{
    for (size_t i = 0; repro.options != NULL && repro.options[i].name != NULL; i++)
        if (strcmp(repro.options[i].name, name) == 0)
            return run->settings.options[i];
    fprintf(stderr, "%s: option %s is used, but not in the descriptor\n", repro.slug, name);
    exit(3);
}

size_t repro_user_bytes(const struct repro_run *run, size_t usual)
{
    size_t min_bytes = profile_min_bytes(&run->settings);

    return min_bytes > usual && min_bytes != SIZE_MAX ? min_bytes : usual;
}

void repro_fill_with(struct repro_run *run, uint64_t word)
{
    run->word = word;
}

void repro_progress(struct repro_run *run)
{
    atomic_fetch_add(&run->report->progress, 1);
}

/* Fills all that the calling thread used in the phase before. */
static void fill_here(void *arg)
{
    struct repro_run *run = arg;
    size_t size = zk_high_water();
    unsigned index;
    unsigned char *bytes;

    if (size == 0)
        return;
    bytes = zk_malloc(size);
    index = atomic_fetch_add(&run->filler_count, 1);
    if (bytes == NULL || index >= RUN_FILLERS_MAX) {
        fprintf(stderr, "%s: no filler of %zu bytes for thread %u\n", repro.slug, size, index);
        exit(3);
    }
    canary_fill(bytes, run->word, size);
    run->fillers[index] = (struct filler){bytes, size};
}

void repro_cycle(struct repro_run *run)
{
    repro_progress(run);
    run->report->cycles = ++run->cycle;
}

/* The cycle to which damage is attributed. */
static unsigned current_cycle(const struct repro_run *run)
{
    return run->report->cycles;
}

static int by_address(const void *a, const void *b)
{
    const struct filler *left = a;
    const struct filler *right = b;

    return (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

void repro_note_retained(struct repro_run *run)
{
    struct zk_audit_summary audit;
    struct zk_stats stats;
    uint64_t count;

    zk_stats(&stats);
    count = zk_audit_summary(&audit) == 0 ? audit.arena_retained_count : stats.retained_count;
    if (count > run->report->retained_count)
        run->report->retained_count = count;
}

void repro_refused(struct repro_run *run, const char *what)
{
    snprintf(run->report->reason, RUN_TEXT_MAX, "%s: %s", what,
             errno == EBUSY   ? "a phase is active"
             : errno == EPERM ? "another thread's phase is active"
                              : strerror(errno));
    run->report->refused = true;
}

static bool begin_refused(struct repro_run *run)
{
    char what[32];

    snprintf(what, sizeof what, "begin %u", run->phase + 1);
    repro_refused(run, what);
    return false;
}

static void free_fillers(struct repro_run *run)
{
    for (unsigned i = 0; i < run->filler_count; i++)
        zk_free(run->fillers[i].bytes);
    run->filler_count = 0;
}

/* A phase has begun. */
static void enter_phase(struct repro_run *run)
{
    repro_note_retained(run);
    run->checked = false;
    if (run->cycle == 0)
        run->report->cycles = run->phase;
    run->phase++;
    if (!run->settings.filler)
        return;
    fill_here(run);
    threads_each(run, fill_here, run);
    if (run->reach != NULL)
        run->reach(run->team, fill_here, run);
    qsort(run->fillers, run->filler_count, sizeof *run->fillers, by_address);
    repro_progress(run);
}

bool repro_begin(struct repro_run *run)
{
    repro_progress(run);
    free_fillers(run); /* of a phase that was escaped from, not ended */
    if (zk_begin_phase() != 0)
        return begin_refused(run);
    enter_phase(run);
    return true;
}

struct guarded {
    struct repro_run *run;
    void (*work)(void *arg);
    void *arg;
};

static void run_guarded(void *arg)
{
    struct guarded *guarded = arg;

    enter_phase(guarded->run);
    guarded->work(guarded->arg);
    repro_check(guarded->run);
    free_fillers(guarded->run);
}

bool repro_phase(struct repro_run *run, void (*work)(void *arg), void *arg)
{
    struct guarded guarded = {run, work, arg};

    repro_progress(run);
    free_fillers(run);
    if (zk_phase(run_guarded, &guarded) != 0)
        return begin_refused(run);
    repro_progress(run);
    return true;
}

void repro_check(struct repro_run *run)
{
    repro_progress(run);
    if (run->checked)
        return;
    run->checked = true;
    pthread_mutex_lock(&report_lock);
    for (unsigned i = 0; i < run->filler_count; i++)
        canary_compare(run->report, current_cycle(run), run->fillers[i].bytes, run->word,
                       run->fillers[i].size);
    pthread_mutex_unlock(&report_lock);
}

void repro_refill(struct repro_run *run)
{
    for (unsigned i = 0; i < run->filler_count; i++)
        canary_fill(run->fillers[i].bytes, run->word, run->fillers[i].size);
}

void repro_end(struct repro_run *run)
{
    repro_check(run);
    free_fillers(run);
    zk_end_phase();
    repro_progress(run);
}

bool repro_check_bytes(struct repro_run *run, const char *what, const void *data,
                       unsigned char byte, size_t bytes)
{
    size_t before;
    size_t after;

    pthread_mutex_lock(&report_lock);
    before = run->report->extent_count;
    canary_compare(run->report, current_cycle(run), data, byte * 0x0101010101010101u, bytes);
    after = run->report->extent_count;
    if (after != before && run->report->wrong[0] == '\0')
        snprintf(run->report->wrong, RUN_TEXT_MAX, "%s", what);
    pthread_mutex_unlock(&report_lock);
    repro_progress(run);
    return after == before;
}

void repro_wrong(struct repro_run *run, const char *format, ...)
{
    struct report *report = run->report;
    va_list args;

    pthread_mutex_lock(&report_lock);
    canary_mark(report, current_cycle(run));
    if (report->wrong[0] == '\0') {
        va_start(args, format);
        vsnprintf(report->wrong, RUN_TEXT_MAX, format, args);
        va_end(args);
    }
    pthread_mutex_unlock(&report_lock);
}

void repro_note(struct repro_run *run, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(run->report->note, RUN_TEXT_MAX, format, args);
    va_end(args);
}

void repro_skip(struct repro_run *run, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(run->report->reason, RUN_TEXT_MAX, format, args);
    va_end(args);
    run->report->skipped = true;
    run->report->finished = true;
    if (!run->forked)
        printf("%s: skip: %s\n", repro.slug, run->report->reason);
    fflush(stdout);
    _exit(77);
}

void repro_team(struct repro_run *run, void (*reach)(void *team, void (*act)(void *arg), void *arg),
                void *team)
{
    run->reach = reach;
    run->team = team;
}

void repro_on_flush(struct repro_run *run, void (*drain)(void *arg), void *arg)
{
    if (profile_flushes(run->settings.profile) && zk_on_phase_end(drain, arg) != 0) {
        perror("zk_on_phase_end");
        exit(3);
    }
}
