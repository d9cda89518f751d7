/*
 * thread.c - threads come and go; slabs stay. A thread that ends passes its slab, as it is, to the next
 * thread that needs one, which bumps on from where the first stopped, and recycles the slab once a new
 * phase has begun.
 *
 * There is no lock: a record or a slab belongs to the thread that changed its word `held` from 0 to the
 * process's epoch, which acquires what the previous one released. We learn of a thread's end from the
 * destructor of a pthread key, or from a robust mutex that the thread holds all its life and that the
 * kernel marks when it dies. So a slab is only ever taken from a thread that has given it back or is
 * certainly dead.
 *
 * In the child of a fork, all of this still describes the parent: see zk_thread_settle.
 */
#include "thread.h"
#include "epoch.h"
#include "lock.h"
#include "observer.h"
#include "os.h"
#include "phase.h"
#include "region.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

_Thread_local struct slab *zk_my_slab __attribute__((tls_model(ZK_TLS_MODEL))) = &zk_no_slab;

_Thread_local bool zk_detour __attribute__((tls_model(ZK_TLS_MODEL)));

/* NULL before the first use, and between rounds of destructors. */
_Thread_local struct thread *zk_thread_known __attribute__((tls_model(ZK_TLS_MODEL)));
static _Thread_local unsigned ends; /* how often the thread's destructor has run */

/* What else a thread knows about itself. */
static _Thread_local struct {
    bool forked;    /* this is the child of a fork that it has made */
    uint32_t asked; /* the process (epoch) in which the kernel was last asked whether it is */
    bool busy; /* taking a slab: if a signal handler forks now, the child finishes this first */
} own __attribute__((tls_model(ZK_TLS_MODEL)));

static struct {
    pthread_key_t key; /* its destructor runs when a thread ends */
    bool key_made;
    _Atomic(struct thread *) first; /* of all records */
    _Atomic(struct thread *) free;  /* a record that may be free: where to look first */
    _Atomic int32_t free_count;     /* about how many are free */
    _Atomic uint32_t numbers;       /* thread numbers given out */
    _Atomic uint32_t keyless;       /* threads for which the key could not be set */
    _Atomic uint32_t given_back;    /* slabs given back, ever */
    struct zk_lock burying;         /* held by the one thread that looks for dead ones */
    _Atomic uint32_t settled;       /* the process (epoch) in which zk_thread_settle has run */
    struct thread ended; /* counts of threads past their last destructor, which share it */
} threads = {.settled = 1};

/* ---- Records ---- */

static bool claim_record(struct thread *thread)
{
    uint32_t unheld = 0;

    /* Acquire: pairs with the release in give_record_back. */
    return thread != NULL && atomic_load_explicit(&thread->held, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(&thread->held, &unheld, zk_epoch(),
                                                   memory_order_acquire, memory_order_relaxed);
}

static struct thread *free_record(void)
{
    struct thread *thread = atomic_load(&threads.free);

    if (claim_record(thread))
        return thread;
    /* Relaxed: a hint. */
    if (atomic_load_explicit(&threads.free_count, memory_order_relaxed) <= 0)
        return NULL;
    for (thread = atomic_load(&threads.first); thread != NULL; thread = thread->next)
        if (claim_record(thread))
            return thread;
    return NULL;
}

static void init_life(struct thread *thread)
{
    pthread_mutexattr_t robust;

    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&thread->life, &robust);
    pthread_mutexattr_destroy(&robust);
}

/* Makes a page of records at a time, of which the first is the caller's. NULL if there is no
 * memory. */
static struct thread *make_records(void)
{
    const size_t count = zk_os_page_bytes() / sizeof(struct thread);
    struct thread *made = zk_os_map(zk_os_page_bytes());

    if (made == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        init_life(&made[i]);
        made[i].next = i + 1 < count ? &made[i + 1] : atomic_load(&threads.first);
    }
    atomic_store(&made[0].held, zk_epoch());
    while (!atomic_compare_exchange_weak(&threads.first, &made[count - 1].next, &made[0]))
        continue;
    atomic_fetch_add(&threads.free_count, (int32_t)count - 1);
    atomic_store(&threads.free, &made[1]);
    return &made[0];
}

/* Gives the thread's slab back, by zk_slab_give_back or zk_slab_abandon. */
static void give_slab_back(struct thread *thread, void (*by)(struct slab *slab))
{
    struct slab *slab = atomic_load(&thread->slab);

    if (slab == NULL)
        return;
    atomic_store(&thread->slab, NULL);
    by(slab);
    atomic_fetch_add(&threads.given_back, 1);
}

/* Called by the record's thread, or by one that found that thread dead. */
static void give_record_back(struct thread *thread)
{
    thread->mark_count = 0; /* the room for marks stays */
    zk_tell_thread_ends(&thread->observers);
    if (atomic_load(&thread->watched)) {
        atomic_store(&thread->watched, false);
        pthread_mutex_unlock(&thread->life);
    }
    /* Release: pairs with the acquire in claim_record. */
    atomic_store_explicit(&thread->held, 0, memory_order_release);
    atomic_store(&threads.free, thread);
    atomic_fetch_add(&threads.free_count, 1);
}

/* Runs at the end of each thread that has a record, and again if a later destructor has made it
 * allocate. */
static void thread_ends(void *arg)
{
    struct thread *thread = arg;

    zk_thread_settle(); /* in a child, while we can still tell that this thread forked */
    zk_phase_thread_ends(thread->number);
    zk_my_slab = &zk_no_slab;
    zk_thread_known = NULL;
    ends++;
    give_slab_back(thread, zk_slab_give_back);
    give_record_back(thread);
}

/* Takes the record and slab of a thread that ended without our destructor: it first came here in the last
 * round of its destructors, or its key could not be set, or it made the exit system call itself. */
static void bury_if_dead(struct thread *thread)
{
    int error;

    if (atomic_load(&thread->held) != zk_epoch() || !atomic_load(&thread->watched))
        return;
    error = pthread_mutex_trylock(&thread->life);
    if (error == 0) /* its thread has just given it back */
        pthread_mutex_unlock(&thread->life);
    if (error != EOWNERDEAD)
        return;
    pthread_mutex_consistent(&thread->life);
    zk_phase_thread_ends(thread->number);
    give_slab_back(thread, zk_slab_abandon);
    give_record_back(thread);
}

static void bury_the_dead(void)
{
    bool alone;

    zk_lock_try(&threads.burying, &alone);
    if (!alone)
        return;
    for (struct thread *thread = atomic_load(&threads.first); thread != NULL; thread = thread->next)
        bury_if_dead(thread);
    zk_unlock(&threads.burying);
}

/* ---- The calling thread ---- */

/* Runs in the child of a fork that the C library knows of, before there is any other thread. Takes no lock and
 * does not allocate. */
static void in_child(void)
{
    own.forked = true;
    if (zk_thread_known != NULL && !own.busy)
        zk_thread_settle();
}

void zk_thread_load(void)
{
    pthread_atfork(NULL, NULL, in_child);
    threads.key_made = pthread_key_create(&threads.key, thread_ends) == 0;
}

/* Makes sure that we learn of the thread's end. Setting the key may allocate: that comes from
 * system. */
static void watch(struct thread *thread)
{
    const uint32_t often = 64;

    if (!thread->inherited && pthread_mutex_trylock(&thread->life) == 0)
        atomic_store(&thread->watched, true);
    zk_detour = true;
    thread->keyless = !threads.key_made || pthread_setspecific(threads.key, thread) != 0;
    zk_detour = false;
    if (thread->keyless && atomic_fetch_add(&threads.keyless, 1) % often == often - 1)
        bury_the_dead();
}

struct thread *zk_thread_self(void)
{
    struct thread *thread = zk_thread_known;

    if (thread != NULL)
        return thread;
    /* POSIX limits how often destructors run: after the last round nothing would take a slab back. */
    if (ends >= PTHREAD_DESTRUCTOR_ITERATIONS - 1)
        return &threads.ended;
    thread = free_record();
    if (thread != NULL)
        atomic_fetch_sub(&threads.free_count, 1);
    else
        thread = make_records();
    if (thread == NULL)
        return &threads.ended;
    thread->number = atomic_fetch_add(&threads.numbers, 1) + 1;
    thread->born = zk_epoch();

    thread->refused = 0;
    zk_thread_known = thread;
    watch(thread);
    return thread;
}

struct slab *zk_thread_slab(void)
{
    struct slab *slab;

    if (!zk_attended())
        return zk_my_slab;
    slab = atomic_load_explicit(&zk_thread_self()->slab, memory_order_relaxed); /* its own store */
    return slab != NULL ? slab : &zk_no_slab;
}

uint32_t zk_thread_number(void)
{
    return zk_thread_self()->number;
}

void **zk_thread_observers(void)
{
    struct thread *thread = zk_thread_self();

    return thread == &threads.ended ? NULL : &thread->observers;
}

/* ---- Slabs ---- */

static struct slab *claim_slab(void)
{
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        if (zk_slab_claim(slab))
            return slab;
    }
    return NULL;
}

/* All slabs were held the last time the thread looked. It looks again when one has been given back, and from
 * time to time for one whose thread died unnoticed. */
static bool is_hopeless(struct thread *thread)
{
    const unsigned often = 1024;

    return thread->refused > 0 &&
           /* Relaxed: a slab given back just now may be missed a few times. */
           atomic_load_explicit(&threads.given_back, memory_order_relaxed) == thread->refused_at &&
           thread->refused++ % often != 0;
}

static struct slab *look_for_slab(struct thread *thread)
{
    unsigned given_back = atomic_load(&threads.given_back);
    struct slab *slab = claim_slab();

    if (slab == NULL) {
        bury_the_dead();
        slab = claim_slab();
    }
    if (slab == NULL) {
        thread->refused_at = given_back;
        thread->refused++;
    } else {
        thread->refused = 0;
    }
    return slab;
}

struct slab *zk_thread_take_slab(void)
{
    struct thread *thread = zk_thread_self();
    struct slab *slab;

    zk_thread_settle();
    if (thread == &threads.ended || thread->keyless || is_hopeless(thread))
        return NULL;
    own.busy = true;
    slab = look_for_slab(thread);
    atomic_store(&thread->slab, slab);
    own.busy = false;
    if (slab != NULL && !zk_attended()) /* attended, the fast paths must not use it */
        zk_my_slab = slab;
    return slab;
}

unsigned zk_thread_slabs_in_use(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < zk_region.slabs; i++)
        count += zk_slab_is_held(zk_region_slab(i));
    return count;
}

/* ---- Fork ---- */

/* Frees the record of a thread that does not exist here. Its marks may be half-written, and are not
 * read. */
static void forget(struct thread *thread)
{
    atomic_store(&thread->slab, NULL);
    atomic_store(&thread->watched, false);
    thread->inherited = true;
    thread->observers = NULL;
    thread->marks = NULL;
    thread->mark_count = thread->mark_room = 0;
    atomic_store_explicit(&thread->held, 0, memory_order_release); /* see give_record_back */
    atomic_fetch_add(&threads.free_count, 1);
}

/* Runs on the thread that forked. self, its own record, is NULL if it had none before the fork. */
static void settle(struct thread *self, uint32_t epoch)
{
    const struct slab *held = self == NULL ? NULL : atomic_load(&self->slab);

    for (unsigned i = 0; i < zk_region.slabs; i++)
        zk_slab_inherit(zk_region_slab(i), held);
    atomic_fetch_add(&threads.given_back, 1); /* perhaps more; any change will do */
    atomic_store(&threads.free_count, 0);
    for (struct thread *thread = atomic_load(&threads.first); thread != NULL;
         thread = thread->next) {
        uint32_t in = atomic_load(&thread->held);

        if (thread == self || in == epoch)
            continue;
        if (in != 0)
            forget(thread);
        else
            atomic_fetch_add(&threads.free_count, 1);
    }
    if (self == NULL)
        return;
    atomic_store(&self->watched, false);
    self->inherited = true;
    atomic_store(&self->held, epoch);
}

/* A thread without a record has no `born` to compare. In a child, the thread that forked is the one whose thread
 * id is the process id. Asks the kernel once, and only while no thread has settled. */
static void ask(uint32_t epoch)
{
    own.asked = epoch;
    own.forked = own.forked || gettid() == getpid();
}

bool zk_thread_has_forked(void)
{
    uint32_t epoch = zk_epoch();

    if (zk_thread_known != NULL && zk_thread_known->born != epoch)
        return true;
    if (epoch > 1 && own.asked != epoch && atomic_load(&threads.settled) != epoch)
        ask(epoch);
    return own.forked;
}

uintptr_t zk_thread_token(void)
{
    const struct thread *thread = zk_thread_self();

    return thread == &threads.ended ? (uintptr_t)&own : thread->number;
}

void zk_thread_settle(void)
{
    uint32_t epoch = zk_epoch();

    /* Relaxed: only the thread that forked goes on, and it reads its own store. */
    if (atomic_load_explicit(&threads.settled, memory_order_relaxed) == epoch ||
        !zk_thread_has_forked())
        return;
    settle(zk_thread_known, epoch);
    atomic_store(&threads.settled, epoch);
}

/* ---- Counts ---- */

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
    zk_count_own(&thread->system_count, 1);
    zk_count_own(&thread->system_bytes, size);
    if (overflow) {
        zk_count_own(&thread->overflow_count, 1);
        zk_count_own(&thread->overflow_bytes, size);
    }
}

static void add_counts(struct thread_totals *totals, const struct thread *thread)
{
    totals->system_count += atomic_load(&thread->system_count);
    totals->system_bytes += atomic_load(&thread->system_bytes);
    totals->overflow_count += atomic_load(&thread->overflow_count);
    totals->overflow_bytes += atomic_load(&thread->overflow_bytes);
}

struct thread_totals zk_thread_totals(void)
{
    struct thread_totals totals = {0};

    add_counts(&totals, &threads.ended);
    for (const struct thread *thread = atomic_load(&threads.first); thread != NULL;
         thread = thread->next)
        add_counts(&totals, thread);
    return totals;
}
