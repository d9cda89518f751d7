/*
 * audit.c - when the findings are written, and what is said about them on stderr.
 */
#include "audit.h"
#include "call.h"
#include "census.h"
#include "config.h"
#include "defer.h"
#include "dispatch.h"
#include "distribution.h"
#include "epoch.h"
#include "fatal.h"
#include "lock.h"
#include "os.h"
#include "outlet.h"
#include "phase.h"
#include "report.h"
#include "tally.h"
#include "trap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Written under the phase lock. */
static struct {
    _Atomic uint64_t phases; /* begun by this process ... */
    _Atomic uint32_t epoch;  /* ... which is this one */
    pid_t loader;            /* the process that loaded us; any other is a child of it */
    _Atomic bool reported;
    pid_t reporter;               /* the process whose phases these are */
    volatile sig_atomic_t killer; /* the signal that this process dies of */
} audit;

/* ---- What the report says ---- */

static uint64_t count_lost(void)
{
    return zk_tally_lost() + zk_census_lost();
}

static bool put_phases(int fd)
{
    const struct zk_report_facts facts = {
        .phases = audit.phases,
        .lost = count_lost(),
        .arena_retained = zk_census_retained().arena_largest,
        .limits = zk_trap_limits(),
        .watched_bytes = zk_census_watched_bytes(),
        .sees_kernel = zk_dispatch_sees_all() ? "1" : "0",
        .sees_places = zk_trap_sees_all_places() ? "1" : "0",
    };

    return zk_report_sizes(fd, &facts);
}

static const struct zk_tables tables = {.findings = zk_report_findings, .phases = put_phases};

static bool write_report(void)
{
    bool written = zk_outlet_write(&tables);

    if (written)
        zk_outlet_done();
    return written;
}

static void say_what_is_missing(void)
{
    uint64_t lost = count_lost();
    uint64_t unwatched = zk_settings.audit == ZK_AUDIT_TRAP ? zk_trap_counts().unwatched : 0;

    if (lost > 0)
        zk_os_say("audit: there was no memory to count %llu findings: the report is incomplete",
                  (unsigned long long)lost);
    if (unwatched > 0)
        zk_os_say("trap: %llu blocks could not be watched: address space or memory ran out",
                  (unsigned long long)unwatched);
}

/* The child of a vfork shares its parent's memory, and has no phases of its own. */
static bool has_report(void)
{
    return zk_attended() && zk_settings.audit != ZK_AUDIT_OFF && audit.phases > 0 &&
           audit.epoch == zk_epoch() && getpid() == audit.reporter;
}

/* Writes the report, the first time. False, with errno, if it could not be written. */
static bool report(void)
{
    bool written;

    if (atomic_exchange(&audit.reported, true))
        return true;
    written = write_report();
    say_what_is_missing();
    return written;
}

/* After the last destructor the C library flushes its streams, which may be stale accesses too: if
 * possible, reports after that. */
static bool is_to_report_at_last(void)
{
    return zk_dispatch_is_on() && zk_outlet_is_files();
}

static void report_at_exit(void)
{
    if (has_report() && !is_to_report_at_last())
        report();
}

/* After the program's own destructors, as far as the linker allows. */
__attribute__((destructor)) static void on_exit_of_process(void)
{
    report_at_exit();
}

/* A signal handler may end the process while it has interrupted the allocator, whose locks a report
 * needs. */
void zk_audit_at_last(void)
{
    if (has_report() && zk_outlet_is_files() && zk_locks_held == 0)
        report();
}

void zk_audit_report_now(void)
{
    if (has_report() && zk_outlet_is_files() && !atomic_load(&audit.reported))
        zk_outlet_write_so_far(&tables);
}

void zk_audit_before_exec(void)
{
    if (has_report())
        report();
}

void zk_audit_after_exec(void)
{
    int saved = errno;

    if (has_report())
        atomic_store(&audit.reported, false);
    errno = saved;
}

/* Runs if the report takes too long: a process that dies inside the allocator holds a lock that the
 * report needs. */
static void give_up(int alarm_signal)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t it;

    (void)alarm_signal;
    zk_os_say("audit: the process died inside the allocator: no report");
    zk_call_sigaction(audit.killer, &action, NULL);
    sigemptyset(&it);
    sigaddset(&it, audit.killer);
    sigprocmask(SIG_UNBLOCK, &it, NULL);
    raise(audit.killer);
}

void zk_audit_report_dying(int signal, bool crash)
{
    const struct sigaction alarm_action = {.sa_handler = give_up};
    sigset_t alarms;

    if (!has_report() || atomic_exchange(&audit.reported, true))
        return;
    audit.killer = signal;
    sigaction(SIGALRM, &alarm_action, NULL);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(10);
    if (crash)
        zk_os_say("audit: the process dies of signal %d; this is what was found until then",
                  signal);
    write_report();
    if (crash)
        say_what_is_missing();
    alarm(0);
}

int zk_audit_report(int fd)
{
    if (zk_defers())
        return zk_other->audit_report(fd);
    if (!has_report()) {
        errno = EINVAL;
        return -1;
    }
    if (fd < 0)
        return report() ? 0 : -1;
    return zk_report_findings(fd) ? 0 : -1;
}

int zk_audit_summary(struct zk_audit_summary *summary)
{
    if (zk_defers())
        return zk_other->audit_summary(summary);
    *summary = (struct zk_audit_summary){0};
    zk_phase_child_check();
    if (zk_auditing(ZK_AUDIT_CENSUS)) {
        struct zk_retained retained = zk_census_retained();

        summary->retained_count = retained.count;
        summary->retained_max = retained.largest;
        summary->arena_retained_count = retained.arena_count;
        summary->arena_retained_max = retained.arena_largest;
        summary->census_bytes = zk_census_bytes();
    } else if (zk_auditing(ZK_AUDIT_TRAP)) {
        struct zk_trap_counts counts = zk_trap_counts();

        summary->retained_count = summary->arena_retained_count = counts.retained;
        summary->touched_count = counts.touched;
        summary->touched_max = counts.largest_touched;
        summary->freed_late_count = counts.freed_late;
        summary->after_free_count = counts.after_free;
        summary->unwatched_count = counts.unwatched;
    } else {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

/* ---- What happens ---- */

__attribute__((constructor)) static void load(void)
{
    audit.loader = getpid();
}

void zk_audit_start(void)
{
    if (at_quick_exit(report_at_exit) != 0)
        zk_os_say("audit: quick_exit will not be seen: end by exit, or call zk_audit_report(-1)");
}

void zk_audit_begin(void)
{
    audit.epoch = zk_epoch();
    if (audit.phases++ == 0) {
        audit.reporter = getpid();
        zk_outlet_open(zk_settings.audit_out, audit.reporter != audit.loader);
        zk_fatal_watch();
    }
    zk_site_begin();
}

void zk_audit_forked(void)
{
    audit.phases = 0;
    atomic_store(&audit.reported, false);
    zk_distribution_clear();
    zk_census_inherit();
}
