/*
 * phase.c - begin and end: which thread may do them, and how every other thread learns of it.
 *
 * A begin (and an end) writes the phase word and then closes the floor of every slab, which sends
 * each holder's next allocation to the slow path in malloc.c. There the holder opens its floor
 * again and then reads the phase word once more. All four accesses are sequentially consistent, so
 * one of the two sides sees the other: either the holder finds a new word and closes its floor
 * itself, or its opening came before the closing and is undone by it. No floor stays open past the
 * phase that it was opened for.
 */
#include "phase.h"
#include "chaos.h"
#include "config.h"
#include "defer.h"
#include "epoch.h"
#include "guard.h"
#include "hook.h"
#include "lock.h"
#include "observer.h"
#include "os.h"
#include "region.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "tenure.h"
#include "thread.h"
#include "wipe.h"

#include <errno.h>
#include <stdlib.h>

_Atomic uint64_t zk_phase_word;

/* The phase as the program sees it, by its own begins and ends. Chaos and zk_phase_cross make boundaries
 * that it does not see. */
static struct {
    struct zk_lock lock;    /* guards all of this */
    _Atomic uint32_t epoch; /* the process that this describes */
    bool begun;             /* a phase has begun at some time: the configuration is fixed ... */
    bool started;           /* ... and everything that phases need is set up */
    unsigned depth;         /* begins not yet ended: at most 1, except under nesting=count */
    _Atomic uintptr_t
        owner;       /* token of the thread that began it; 0 once that has ended, unlocked */
    bool inherited;  /* the parent began it: its owner may not exist in this process */
    uint64_t number; /* counts begins that started a phase */
    struct phase_counts counts;
    bool orphan_said;
    _Atomic bool crossed;    /* zk_phase_cross has been called */
    _Atomic unsigned due;    /* crossings left to the thread that held the lock */
    _Atomic bool due_begins; /* does the last of these begin a phase? */
} phase;

/* The return value of a public function: error is 0 or an errno. */
static int result(int error)
{
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

/* May there be boundaries that the program does not see? */
static bool is_unseen(void)
{
    return zk_chaos() || atomic_load(&phase.crossed);
}

static void set_word(uint64_t word)
{
    atomic_store(&zk_phase_word, word);
    for (unsigned i = 0; i < zk_region.slabs; i++)
        atomic_store(&zk_region_slab(i)->floor, ZK_FLOOR_CLOSED);
}

static void clear_word(void)
{
    set_word(atomic_load(&zk_phase_word) & ~(uint64_t)1);
}

/* ---- The lock, and a fork ---- */

/* In the child of a fork, before anything else: finishes or undoes what another thread of the parent was
 * in the middle of. */
static void mend(void)
{
    uint64_t word = atomic_load(&zk_phase_word);

    zk_config_mend();

    if (phase.begun && !phase.started) {
        phase.begun = false;
        zk_region_forget();
    }
    if (phase.depth > 0 && !zk_phase_word_active(word) && !is_unseen())
        phase.depth = 0;
    if (phase.depth == 0 && zk_phase_word_active(word) && !is_unseen())
        clear_word();
    else
        set_word(word); /* some floors may still be open for the phase before */
    phase.inherited = true;
    zk_tell_forked();
}

/* The thread that forked takes over a phase whose owner does not exist here. All other threads of this
 * process are newer than the phase. */
static void take_over(void)
{
    phase.inherited = false;
    if (phase.owner != 0)
        phase.owner = zk_thread_token();
}

static void settle(void)
{
    uint32_t epoch = zk_epoch();

    if (phase.epoch != epoch) {
        bool child = phase.epoch != 0;

        phase.epoch = epoch;
        if (child)
            mend();
    }
    if (phase.inherited && zk_thread_has_forked())
        take_over();
}

#ifdef ZK_INTERPOSE
static void cross_due(void);
#endif

/* Set from just before this thread takes the lock until just after it has released it. */
static _Thread_local _Atomic bool has_lock __attribute__((tls_model(ZK_TLS_MODEL)));

static void lock(void)
{
    atomic_store(&has_lock, true);
    zk_lock(&phase.lock);
    settle();
}

static void unlock(void)
{
    zk_unlock(&phase.lock);
    atomic_store(&has_lock, false);
#ifdef ZK_INTERPOSE
    if (atomic_load(&phase.due) > 0)
        cross_due();
#endif
}

/* ---- Boundaries ---- */

static void tell_settings(void)
{
    const char *system = zk_system_name();

    zk_os_say("%s, MIN_BYTES %zu, slabs of %zu MiB; system is %.300s",
              zk_settings.recycle == ZK_RECYCLE_PINNED ? "pinned" : "blind", zk_settings.min_bytes,
              zk_settings.slab_bytes >> 20, system == NULL ? "unknown" : system);
}

/* The first begin of the process. */
static void start_up(void)
{
    if (phase.started)
        return;
    phase.begun = true;
    zk_config_load();
#ifndef ZK_INTERPOSE
    if (zk_settings.verbose)
        tell_settings();
#endif
    zk_observer_start();
    phase.started = true;
}

/* Arena blocks that are neither freed nor discarded. */
static uint64_t live_blocks(void)
{
    uint64_t allocated = 0;
    uint64_t dead = 0;

    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);
        struct slab_totals totals = zk_slab_totals(slab);

        allocated += totals.count;
        dead += totals.freed + zk_slab_discarded_blocks(slab);
    }
    /* Under blind, a program that frees a block twice has more frees than blocks. */
    return allocated > dead ? allocated - dead : 0;
}

/* Starts a new phase. */
static void cross(void)
{
    uint64_t word = (atomic_load(&zk_phase_word) | 1) + 2;

    phase.counts.retained_count = live_blocks();
    phase.counts.phases++;
    zk_tell_begin(word);
    if (zk_wipe_idle_is_due(word) && !zk_phase_word_active(atomic_load(&zk_phase_word)))
        zk_wipe_idle(word);
    set_word(word);
}

static void start(uintptr_t self)
{
    cross();
    phase.depth = 1;
    phase.owner = self;
    phase.inherited = false;
    phase.number++;
}

static void stop(void)
{
    clear_word();
    phase.depth = 0;
    phase.owner = 0;
}

/* May the thread act on the active phase? Any thread may if its owner has ended. */
static bool may_call(uintptr_t self)
{
    uintptr_t owner = atomic_load(&phase.owner);

    return zk_settings.owner == ZK_OWNER_ANY || owner == self || owner == 0;
}

static void count_orphan(void)
{
    phase.counts.orphans++;
    if (!phase.orphan_said)
        zk_os_say("a phase was left without an end (by longjmp, or by a thread that ended in it); "
                  "the next begin ended it: leave phases through zk_escape, or end them");
    phase.orphan_said = true;
}

static int begin_locked(uintptr_t self)
{
    start_up();
    if (phase.depth == 0) {
        start(self);
        return 0;
    }
    if (!may_call(self))
        return EPERM;
    switch (zk_settings.nesting) {
    case ZK_NESTING_COUNT:
        phase.depth++;
        return 0;
    case ZK_NESTING_RECYCLE:
        start(self);
        return 0;
    case ZK_NESTING_REFUSE:
    default:
        return EBUSY;
    }
}

/* *ended says whether this ended the phase, and not just a nested one. */
static int end_locked(uintptr_t self, bool *ended)
{
    *ended = false;
    if (phase.depth == 0)
        return EINVAL;
    if (!may_call(self))
        return EPERM;
    if (phase.depth > 1) {
        phase.depth--;
        return 0;
    }
    stop();
    *ended = true;
    return 0;
}

/* Ends the phase if the thread that owned it has ended. Under owner=any there is no owner, and any
 * other thread may still end it. */
static void end_abandoned(void)
{
    bool ended = false;

    lock();
    if (phase.depth > 0 && phase.owner == 0 && zk_settings.nesting != ZK_NESTING_RECYCLE &&
        (zk_settings.owner == ZK_OWNER_EXCLUSIVE || zk_settings.nesting == ZK_NESTING_REFUSE)) {
        count_orphan();
        stop();
        ended = true;
    }
    unlock();
    if (ended)
        zk_hooks_run();
}

int zk_begin_phase(void)
{
    int error;

    if (zk_defers())
        return zk_other->begin_phase();
    zk_thread_self(); /* so that its end is seen */
    zk_guard_prune();
    end_abandoned();
    lock();
    error = begin_locked(zk_thread_token());
    unlock();
    if (error == 0)
        zk_route_begun();
    return result(error);
}

void zk_phase_cross_if_due(void)
{
    bool alone;
    bool begin;

    atomic_store(&has_lock, true);
    zk_lock_try(&phase.lock, &alone);
    if (!alone) {
        atomic_store(&has_lock, false);
        return;
    }
    settle();
    if (zk_chaos_due(&begin)) {
        start_up();
        if (begin)
            cross();
        else
            clear_word();
    }
    unlock();
}

#ifdef ZK_INTERPOSE

static void cross_now(bool begin)
{
    start_up();
    if (begin)
        cross();
    else
        clear_word();
}

/* Makes the boundaries that zk_phase_cross had to put off. */
static void cross_due(void)
{
    unsigned due = atomic_exchange(&phase.due, 0);

    while (due-- > 0)
        zk_phase_cross(due > 0 || atomic_load(&phase.due_begins));
}

/* If this thread already has the lock, it entered the function in a signal handler, and cannot wait for
 * itself. */
void zk_phase_cross(bool begin)
{
    atomic_store(&phase.crossed, true);
    if (has_lock) {
        atomic_store(&phase.due_begins, begin);
        atomic_fetch_add(&phase.due, 1);
        return;
    }
    lock();
    cross_now(begin);
    unlock();
}

#endif

static void discard_all(uint64_t word)
{
    zk_tell_discarded(word);
    zk_tenure_stop();
    for (unsigned i = 0; i < zk_region.slabs; i++)
        zk_slab_discard(zk_region_slab(i), word);
}

/* An error number, or 0. */
static int end(bool discard)
{
    uint64_t word;
    bool ended;
    int error;

    lock();
    word = atomic_load(&zk_phase_word);
    error = end_locked(zk_thread_token(), &ended);
    /* The program may use what it discards until its next begin. An unseen boundary could come before that, so then a
     * discard only ends the phase. */
    if (ended && discard && !is_unseen())
        discard_all(word);
    unlock();
    if (ended)
        zk_hooks_run();
    return error;
}

int zk_end_phase(void)
{
    if (zk_defers())
        return zk_other->end_phase();
    return result(end(false));
}

int zk_discard_phase(void)
{
    if (zk_defers())
        return zk_other->discard_phase();
    return result(end(true));
}

/* Under the lock, so that no phase can begin. */
static int wipe_locked(void)
{
    if (!phase.started)
        return 0;
    zk_thread_settle();
    return zk_wipe_all(!zk_phase_word_active(atomic_load(&zk_phase_word))) ? 0 : EAGAIN;
}

int zk_wipe_phase(void)
{
    int error;

    if (zk_defers())
        return zk_other->wipe_phase();
    error = end(false);                /* and runs the hooks, which may free */
    if (error != 0 && error != EINVAL) /* EINVAL: no phase was active */
        return result(error);
    lock();
    error = wipe_locked();
    unlock();
    return result(error);
}

uint64_t zk_phase_number(void)
{
    uint64_t number;

    lock();
    number = phase.number;
    unlock();
    return number;
}

void zk_phase_end_guarded(uint64_t number, bool orphan)
{
    bool ended = false;

    if (orphan && zk_settings.nesting == ZK_NESTING_RECYCLE)
        return;
    lock();
    if (phase.depth > 0 && phase.number == number && end_locked(zk_thread_token(), &ended) == 0 &&
        orphan)
        count_orphan();
    unlock();
    if (ended)
        zk_hooks_run();
}

void zk_phase_thread_ends(uintptr_t token)
{
    uintptr_t owner = token;

    atomic_compare_exchange_strong(&phase.owner, &owner, 0);
}

void zk_phase_child_check(void)
{
    /* Relaxed: if it differs, settle() looks again, under the lock. */
    if (atomic_load_explicit(&phase.epoch, memory_order_relaxed) == zk_epoch())
        return;
    lock();
    unlock();
}

struct phase_counts zk_phase_counts(void)
{
    struct phase_counts counts;

    lock();
    counts = phase.counts;
    unlock();
    return counts;
}

int zk_configure(const struct zk_config *config)
{
    int error = 0;

    if (zk_defers())
        return zk_other->configure(config);
    lock();
    zk_config_load(); /* so that a complaint about the environment is not lost */
    if (phase.started)
        error = EBUSY;
    else if (zk_config_check(config) != NULL)
        error = EINVAL;
    else if (config->audit != ZK_AUDIT_OFF && !zk_observer_audits())
        error = ENOSYS;
    else
        zk_config_replace(config);
    unlock();
    return result(error);
}

int zk_config(struct zk_config *config)
{
    if (zk_defers())
        return zk_other->config(config);
    lock();
    zk_config_load();
    *config = zk_settings;
    unlock();
    return 0;
}

#ifdef ZK_INTERPOSE

static bool is_asked_for_something(void)
{
    return zk_settings.chaos_every != 0 || zk_settings.audit != ZK_AUDIT_OFF ||
           getenv("ZK_ALLOC_BEGIN_AT") != NULL;
}

/* Chaos starts before any phase. */
void zk_phase_load(void)
{
    lock();
    zk_config_load();
    zk_chaos_start();
    unlock();
    if (zk_settings.verbose)
        tell_settings();
    if (zk_system_stands_by() && is_asked_for_something())
        zk_os_say("this program defines malloc itself: none of its blocks are seen here");
}

#endif
