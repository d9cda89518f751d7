/*
 * phase.c - begin and end: who may, and how every thread learns of it.
 *
 * A begin (and an end) writes the phase word and then closes the floor of every slab, which sends
 * each holder's next allocation to the slow path in malloc.c. There the holder opens its floor
 * again and then reads the phase word once more. All four accesses are sequentially consistent, so
 * one of the two sides sees the other: either the holder finds a new word and closes its floor
 * itself, or its opening came before the closing and is undone by it. No floor stays open past the
 * phase that it was opened for.
 */
#include "phase.h"
#include "audit.h"
#include "chaos.h"
#include "config.h"
#include "defer.h"
#include "fork.h"
#include "guard.h"
#include "os.h"
#include "region.h"
#include "slab.h"
#include "system.h"
#include "thread.h"
#include "tools.h"
#include "trap.h"

#include <errno.h>
#include <pthread.h>

_Atomic uint64_t zk_phase_word;

struct hook {
    void (*run)(void *arg);
    void *arg;
};

static struct {
    pthread_mutex_t lock;       /* guards all of this */
    bool begun;                 /* a phase has begun at some time: the configuration is fixed */
    unsigned depth;             /* begins not yet ended: at most 1, but under nesting=count */
    const struct thread *owner; /* who began the active phase; NULL when that thread has ended */
    struct hook *hooks;
    size_t hook_count;
    size_t hook_room;
    struct phase_counts counts;
    bool orphan_said;
} phase = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What a public function returns for error, 0 or an errno. */
static int result(int error)
{
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

/* When the library is loaded, since a fork may come before anything else, and chaos does. */
__attribute__((constructor)) static void load(void)
{
    zk_fork_watch();
    zk_defer_load();
#ifdef ZK_INTERPOSE
    pthread_mutex_lock(&phase.lock);
    zk_config_load();
    zk_chaos_start();
    pthread_mutex_unlock(&phase.lock);
#endif
}

/* The first begin of the process. */
static void start_up(void)
{
    if (phase.begun)
        return;
    phase.begun = true;
    zk_config_load();
    if (zk_settings.audit == ZK_AUDIT_TRAP)
        zk_trap_start();
    else
        zk_region_reserve();
    zk_audit_start();
}

static bool active(void)
{
    return zk_phase_word_active(atomic_load(&zk_phase_word));
}

static void set_word(uint64_t word)
{
    atomic_store(&zk_phase_word, word);
    for (unsigned i = 0; i < zk_region.slabs; i++)
        atomic_store(&zk_region_slab(i)->floor, ZK_FLOOR_CLOSED);
}

static void stop(void)
{
    set_word(atomic_load(&zk_phase_word) & ~(uint64_t)1);
    phase.depth = 0;
    phase.owner = NULL;
}

/* Blind: what lies below each bump pointer is recycled. */
static void tell_tools(void)
{
    if (!zk_attended() || zk_settings.audit != ZK_AUDIT_OFF ||
        zk_settings.recycle != ZK_RECYCLE_BLIND)
        return;
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        zk_tools_recycled(slab->base, (size_t)(atomic_load(&slab->bump) - slab->base));
    }
}

static void start(const struct thread *self)
{
    uint64_t word = (atomic_load(&zk_phase_word) | 1) + 2;
    uint64_t allocated = 0;
    uint64_t freed = 0;

    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab_totals totals = zk_slab_totals(zk_region_slab(i));

        allocated += totals.count;
        freed += totals.freed;
    }
    /* A program that frees a block twice has more frees than blocks. */
    phase.counts.retained_count = allocated > freed ? allocated - freed : 0;
    phase.counts.phases++;
    phase.depth = 1;
    phase.owner = self;
    zk_audit_begin(word);
    tell_tools();
    set_word(word);
}

/* While a phase is active. One whose owner has ended is anybody's. */
static bool may_call(const struct thread *self)
{
    return zk_settings.owner == ZK_OWNER_ANY || phase.owner == self || phase.owner == NULL;
}

static void count_orphan(void)
{
    phase.counts.orphans++;
    if (!phase.orphan_said)
        zk_os_say("a phase was left without an end (by longjmp, or by a thread that ended in it); "
                  "the next "
                  "begin ended it: leave phases through zk_escape, or end them");
    phase.orphan_said = true;
}

static int begin_locked(const struct thread *self)
{
    start_up();
    if (!active()) {
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

/* *ended tells whether this was the end of the phase, not only of a nested one. */
static int end_locked(const struct thread *self, bool *ended)
{
    *ended = false;
    if (!active())
        return EINVAL;
    if (!may_call(self))
        return EPERM;
    if (--phase.depth > 0)
        return 0;
    stop();
    *ended = true;
    return 0;
}

static void run_hooks(void)
{
    for (size_t i = 0;; i++) {
        struct hook hook = {0};

        pthread_mutex_lock(&phase.lock);
        if (i < phase.hook_count)
            hook = phase.hooks[i];
        pthread_mutex_unlock(&phase.lock);
        if (hook.run == NULL)
            return;
        hook.run(hook.arg);
    }
}

/* Ends the phase if the thread that owned it has ended. Under owner=any there is no owner, and any
 * other thread may still end it. */
static void end_abandoned(void)
{
    bool ended = false;

    pthread_mutex_lock(&phase.lock);
    if (active() && phase.owner == NULL && zk_settings.nesting != ZK_NESTING_RECYCLE &&
        (zk_settings.owner == ZK_OWNER_EXCLUSIVE || zk_settings.nesting == ZK_NESTING_REFUSE)) {
        count_orphan();
        stop();
        ended = true;
    }
    pthread_mutex_unlock(&phase.lock);
    if (ended)
        run_hooks();
}

int zk_begin_phase(void)
{
    const struct thread *self = zk_thread_self();
    int error;

    if (zk_defers())
        return zk_other->begin_phase();
    zk_guard_prune();
    end_abandoned();
    pthread_mutex_lock(&phase.lock);
    error = begin_locked(self);
    pthread_mutex_unlock(&phase.lock);
    return result(error);
}

void zk_phase_cross(bool begin)
{
    const struct thread *self = zk_thread_self();

    pthread_mutex_lock(&phase.lock);
    start_up();
    if (begin)
        start(self);
    else if (active())
        stop();
    pthread_mutex_unlock(&phase.lock);
}

static void discard_all(uint64_t word)
{
    zk_audit_discard(word);
    for (unsigned i = 0; i < zk_region.slabs; i++)
        zk_slab_discard(zk_region_slab(i), word);
}

static int end(bool discard)
{
    const struct thread *self = zk_thread_self();
    uint64_t word;
    bool ended;
    int error;

    pthread_mutex_lock(&phase.lock);
    word = atomic_load(&zk_phase_word);
    error = end_locked(self, &ended);
    if (ended && discard)
        discard_all(word);
    pthread_mutex_unlock(&phase.lock);
    if (ended)
        run_hooks();
    return result(error);
}

int zk_end_phase(void)
{
    if (zk_defers())
        return zk_other->end_phase();
    return end(false);
}

int zk_discard_phase(void)
{
    if (zk_defers())
        return zk_other->discard_phase();
    return end(true);
}

void zk_phase_end_guarded(uint64_t word, bool orphan)
{
    bool ended = false;

    if (orphan && zk_settings.nesting == ZK_NESTING_RECYCLE)
        return;
    pthread_mutex_lock(&phase.lock);
    if (atomic_load(&zk_phase_word) == word && end_locked(zk_thread_self(), &ended) == 0 && orphan)
        count_orphan();
    pthread_mutex_unlock(&phase.lock);
    if (ended)
        run_hooks();
}

void zk_phase_thread_ends(const struct thread *thread)
{
    pthread_mutex_lock(&phase.lock);
    if (phase.owner == thread)
        phase.owner = NULL;
    pthread_mutex_unlock(&phase.lock);
}

void zk_phase_fork_prepare(void)
{
    pthread_mutex_lock(&phase.lock);
}

void zk_phase_fork_parent(void)
{
    pthread_mutex_unlock(&phase.lock);
}

void zk_phase_fork_child(void)
{
    if (phase.owner != NULL)
        phase.owner = zk_thread_self(); /* if another thread's, then that one is not here */
    pthread_mutex_unlock(&phase.lock);
}

int zk_on_phase_end(void (*run)(void *arg), void *arg)
{
    int error = 0;

    if (zk_defers())
        return zk_other->on_phase_end(run, arg);
    pthread_mutex_lock(&phase.lock);
    if (phase.hook_count == phase.hook_room) {
        size_t room = phase.hook_room == 0 ? 8 : 2 * phase.hook_room;
        struct hook *hooks = zk_system_realloc(phase.hooks, room * sizeof *hooks);

        if (hooks == NULL) {
            error = ENOMEM;
        } else {
            phase.hooks = hooks;
            phase.hook_room = room;
        }
    }
    if (error == 0)
        phase.hooks[phase.hook_count++] = (struct hook){run, arg};
    pthread_mutex_unlock(&phase.lock);
    return result(error);
}

struct phase_counts zk_phase_counts(void)
{
    struct phase_counts counts;

    pthread_mutex_lock(&phase.lock);
    counts = phase.counts;
    pthread_mutex_unlock(&phase.lock);
    return counts;
}

int zk_configure(const struct zk_config *config)
{
    int error = 0;

    if (zk_defers())
        return zk_other->configure(config);
    pthread_mutex_lock(&phase.lock);
    zk_config_load(); /* so that a complaint about the environment is not lost */
    if (phase.begun)
        error = EBUSY;
    else if (zk_config_check(config) != NULL)
        error = EINVAL;
    else
        zk_settings = *config;
    pthread_mutex_unlock(&phase.lock);
    return result(error);
}

int zk_config(struct zk_config *config)
{
    if (zk_defers())
        return zk_other->config(config);
    pthread_mutex_lock(&phase.lock);
    zk_config_load();
    *config = zk_settings;
    pthread_mutex_unlock(&phase.lock);
    return 0;
}
