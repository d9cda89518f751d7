/*
 * thread.c - threads come and go; slabs stay. A thread that ends gives its slab, as it is, to the
 * next one that needs one: that one bumps on where the first stopped, and recycles when a new phase
 * is there.
 */
#include "thread.h"
#include "audit.h"
#include "phase.h"
#include "region.h"
#include "system.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

_Thread_local struct slab *zk_my_slab __attribute__((tls_model(ZK_TLS_MODEL))) = &zk_no_slab;

_Thread_local bool zk_detour __attribute__((tls_model(ZK_TLS_MODEL)));

/* NULL before the first use, and between rounds of destructors. */
_Thread_local struct thread *zk_thread_known __attribute__((tls_model(ZK_TLS_MODEL)));
static _Thread_local unsigned ends; /* how often the thread's destructor has run */

static struct {
    pthread_mutex_t lock; /* guards all of this, and held and retired of every slab */
    pthread_once_t once;
    pthread_key_t key; /* its destructor tells that a thread ends */
    bool key_made;
    struct thread *first;
    struct thread *unused;
    uint32_t numbers; /* given out */
    struct thread
        ended; /* what ended threads counted; shared by those that go on allocating after that */
    _Atomic unsigned slabs_in_use;
} threads = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .once = PTHREAD_ONCE_INIT,
};

/* A count with one writer: no read-modify-write instruction is needed. Relaxed: it orders nothing.
 */
static void add_own(_Atomic uint64_t *count, uint64_t more)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* The lock is held. */
static void give_slab_back(struct thread *thread)
{
    if (thread->slab == NULL)
        return;
    thread->slab->held = false;
    thread->slab = NULL;
    atomic_fetch_sub_explicit(&threads.slabs_in_use, 1, memory_order_relaxed);
}

static void fold_counts(const struct thread *thread)
{
    atomic_fetch_add(&threads.ended.system_count, atomic_load(&thread->system_count));
    atomic_fetch_add(&threads.ended.system_bytes, atomic_load(&thread->system_bytes));
    atomic_fetch_add(&threads.ended.overflow_count, atomic_load(&thread->overflow_count));
    atomic_fetch_add(&threads.ended.overflow_bytes, atomic_load(&thread->overflow_bytes));
}

static void unlink_thread(struct thread *thread)
{
    if (thread->previous != NULL)
        thread->previous->next = thread->next;
    else
        threads.first = thread->next;
    if (thread->next != NULL)
        thread->next->previous = thread->previous;
}

/* The lock is held. */
static void forget(struct thread *thread)
{
    give_slab_back(thread);
    fold_counts(thread);
    unlink_thread(thread);
    zk_system_free(thread->marks);
    if (thread->site_cache != NULL)
        zk_site_forget(&thread->site_cache);
    *thread = (struct thread){.next = threads.unused};
    threads.unused = thread;
}

/* Runs at the end of each thread that has a record, and again if a later destructor has made it
 * allocate. */
static void thread_ends(void *arg)
{
    struct thread *thread = arg;

    zk_phase_thread_ends(thread);
    zk_my_slab = &zk_no_slab;
    zk_thread_known = NULL;
    ends++;
    pthread_mutex_lock(&threads.lock);
    forget(thread);
    pthread_mutex_unlock(&threads.lock);
}

static void set_up(void)
{
    threads.key_made = pthread_key_create(&threads.key, thread_ends) == 0;
}

/* A record for the calling thread, or NULL. */
static struct thread *new_record(void)
{
    struct thread *thread;

    pthread_mutex_lock(&threads.lock);
    thread = threads.unused;
    if (thread != NULL)
        threads.unused = thread->next;
    else
        thread = zk_system_calloc(1, sizeof *thread);
    if (thread != NULL) {
        thread->id = gettid();
        thread->number = ++threads.numbers;
        thread->previous = NULL;
        thread->next = threads.first;
        if (threads.first != NULL)
            threads.first->previous = thread;
        threads.first = thread;
    }
    pthread_mutex_unlock(&threads.lock);
    return thread;
}

struct thread *zk_thread_self(void)
{
    struct thread *thread = zk_thread_known;

    if (thread != NULL)
        return thread;
    pthread_once(&threads.once, set_up);
    /* POSIX may run destructors only so often: after that nobody would take a slab back. */
    if (!threads.key_made || ends >= PTHREAD_DESTRUCTOR_ITERATIONS - 1)
        return &threads.ended;
    thread = new_record();
    if (thread == NULL)
        return &threads.ended;
    zk_thread_known = thread;
    if (pthread_setspecific(threads.key, thread) != 0)
        ends = PTHREAD_DESTRUCTOR_ITERATIONS; /* nothing will tell of its end, but reclaim_slabs */
    return thread;
}

struct slab *zk_thread_slab(void)
{
    const struct thread *thread;

    if (!zk_attended())
        return zk_my_slab;
    thread = zk_thread_self();
    return thread->slab != NULL ? thread->slab : &zk_no_slab;
}

uint32_t zk_thread_number(void)
{
    return zk_thread_self()->number;
}

void **zk_thread_site_cache(void)
{
    struct thread *thread = zk_thread_self();

    return thread == &threads.ended ? NULL : &thread->site_cache;
}

/* Takes back the slabs of threads that ended unseen. The lock is held. */
static void reclaim_slabs(void)
{
    struct thread *next;

    for (struct thread *thread = threads.first; thread != NULL; thread = next) {
        next = thread->next;
        if (thread->slab != NULL && tgkill(getpid(), thread->id, 0) != 0 && errno == ESRCH)
            forget(thread);
    }
}

static struct slab *unheld_slab(void)
{
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        if (!slab->held && !slab->retired)
            return slab;
    }
    return NULL;
}

struct slab *zk_thread_take_slab(void)
{
    struct thread *thread = zk_thread_self();
    struct slab *slab;

    if (thread == &threads.ended)
        return NULL;
    if (atomic_load_explicit(&threads.slabs_in_use, memory_order_relaxed) >= zk_region.slabs &&
        thread->refused++ % 1024 != 0)
        return NULL; /* relaxed: a slab given back a moment ago may be missed a few times */
    pthread_mutex_lock(&threads.lock);
    slab = unheld_slab();
    if (slab == NULL) {
        reclaim_slabs();
        slab = unheld_slab();
    }
    if (slab != NULL) {
        slab->held = true;
        thread->slab = slab;
        if (!zk_attended()) /* else the fast paths stay out of it */
            zk_my_slab = slab;
        atomic_fetch_add_explicit(&threads.slabs_in_use, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&threads.lock);
    return slab;
}

void zk_thread_count_system_slow(size_t size, bool overflow)
{
    struct thread *thread = zk_thread_self();

    if (thread == &threads.ended) { /* shared */
        atomic_fetch_add_explicit(&thread->system_count, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&thread->system_bytes, size, memory_order_relaxed);
        if (overflow) {
            atomic_fetch_add_explicit(&thread->overflow_count, 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&thread->overflow_bytes, size, memory_order_relaxed);
        }
        return;
    }
    add_own(&thread->system_count, 1);
    add_own(&thread->system_bytes, size);
    if (overflow) {
        add_own(&thread->overflow_count, 1);
        add_own(&thread->overflow_bytes, size);
    }
}

struct thread_totals zk_thread_totals(void)
{
    struct thread_totals totals;

    pthread_mutex_lock(&threads.lock);
    totals.system_count = atomic_load(&threads.ended.system_count);
    totals.system_bytes = atomic_load(&threads.ended.system_bytes);
    totals.overflow_count = atomic_load(&threads.ended.overflow_count);
    totals.overflow_bytes = atomic_load(&threads.ended.overflow_bytes);
    for (const struct thread *thread = threads.first; thread != NULL; thread = thread->next) {
        totals.system_count += atomic_load(&thread->system_count);
        totals.system_bytes += atomic_load(&thread->system_bytes);
        totals.overflow_count += atomic_load(&thread->overflow_count);
        totals.overflow_bytes += atomic_load(&thread->overflow_bytes);
    }
    pthread_mutex_unlock(&threads.lock);
    return totals;
}

unsigned zk_thread_slabs_in_use(void)
{
    return atomic_load(&threads.slabs_in_use);
}

void zk_thread_fork_prepare(void)
{
    pthread_mutex_lock(&threads.lock);
}

void zk_thread_fork_parent(void)
{
    pthread_mutex_unlock(&threads.lock);
}

void zk_thread_fork_child(void)
{
    struct thread *next;

    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        if ((zk_thread_known == NULL || slab != zk_thread_known->slab) && !slab->retired)
            slab->retired = !zk_slab_adopt(slab);
    }
    for (struct thread *thread = threads.first; thread != NULL; thread = next) {
        next = thread->next;
        if (thread != zk_thread_known)
            forget(thread);
    }
    if (zk_thread_known != NULL)
        zk_thread_known->id = gettid();
    pthread_mutex_unlock(&threads.lock);
}
