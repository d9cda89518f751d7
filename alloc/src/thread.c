/*
 * thread.c - threads come and go; slabs stay. A thread that ends gives its slab, as it is, to the
 * next one that needs one: that one bumps on where the first stopped, and recycles when a new phase
 * is there.
 */
#include "thread.h"
#include "phase.h"
#include "region.h"
#include "system.h"

#include <limits.h>
#include <pthread.h>

_Thread_local struct slab *zk_my_slab __attribute__((tls_model(ZK_TLS_MODEL))) = &zk_no_slab;

static _Thread_local struct thread self;

static struct {
    pthread_mutex_t lock; /* guards all of this, and held and retired of every slab */
    pthread_once_t once;
    pthread_key_t key; /* its destructor tells that a thread ends */
    bool key_made;
    struct thread *first;
    struct thread
        ended; /* what ended threads counted; shared by those that go on allocating after that */
    _Atomic unsigned slabs_in_use;
} threads = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .once = PTHREAD_ONCE_INIT,
    .ended = {.state = ZK_THREAD_ENDED},
};

/* A count with one writer: no read-modify-write instruction is needed. Relaxed: it orders nothing.
 */
static void add_own(_Atomic uint64_t *count, uint64_t more)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static void give_slab_back(void)
{
    if (zk_my_slab == &zk_no_slab)
        return;
    zk_my_slab->held = false;
    zk_my_slab = &zk_no_slab;
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

/* Runs at the end of each registered thread, and again if a later destructor has made it allocate.
 */
static void thread_ends(void *arg)
{
    struct thread *thread = arg;
    unsigned ends = thread->ends + 1;

    zk_phase_thread_ends(thread);
    pthread_mutex_lock(&threads.lock);
    give_slab_back();
    fold_counts(thread);
    unlink_thread(thread);
    pthread_mutex_unlock(&threads.lock);
    zk_system_free(thread->marks);
    /* POSIX may run destructors only so often: from then on nobody would take a slab back. */
    *thread = (struct thread){
        .state = ends < PTHREAD_DESTRUCTOR_ITERATIONS - 1 ? ZK_THREAD_NEW : ZK_THREAD_ENDED,
        .ends = ends,
    };
}

static void make_key(void)
{
    threads.key_made = pthread_key_create(&threads.key, thread_ends) == 0;
}

struct thread *zk_thread_self(void)
{
    if (self.state == ZK_THREAD_LIVE)
        return &self;
    if (self.state == ZK_THREAD_ENDED)
        return &threads.ended;
    pthread_once(&threads.once, make_key);
    if (!threads.key_made || pthread_setspecific(threads.key, &self) != 0) {
        self.state = ZK_THREAD_ENDED; /* its end would not be seen */
        return &threads.ended;
    }
    self.state = ZK_THREAD_LIVE;
    pthread_mutex_lock(&threads.lock);
    self.previous = NULL;
    self.next = threads.first;
    if (threads.first != NULL)
        threads.first->previous = &self;
    threads.first = &self;
    pthread_mutex_unlock(&threads.lock);
    return &self;
}

struct slab *zk_thread_take_slab(void)
{
    /* Relaxed: a slab given back a moment ago may be missed once. */
    if (atomic_load_explicit(&threads.slabs_in_use, memory_order_relaxed) >= zk_region.slabs)
        return NULL;
    if (zk_thread_self() != &self)
        return NULL;
    pthread_mutex_lock(&threads.lock);
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        if (slab->held || slab->retired)
            continue;
        slab->held = true;
        zk_my_slab = slab;
        atomic_fetch_add_explicit(&threads.slabs_in_use, 1, memory_order_relaxed);
        break;
    }
    pthread_mutex_unlock(&threads.lock);
    return zk_my_slab == &zk_no_slab ? NULL : zk_my_slab;
}

void zk_thread_count_system(size_t size, bool overflow)
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
    unsigned in_use = 0;

    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);

        if (slab == zk_my_slab) {
            in_use++;
            continue;
        }
        slab->held = false;
        if (!slab->retired)
            slab->retired = !zk_slab_adopt(slab);
        if (slab->retired)
            in_use++;
    }
    atomic_store(&threads.slabs_in_use, in_use);
    while (threads.first != NULL) {
        struct thread *thread = threads.first;

        threads.first = thread->next;
        if (thread != &self)
            fold_counts(thread);
    }
    if (self.state == ZK_THREAD_LIVE) {
        self.next = self.previous = NULL;
        threads.first = &self;
    }
    pthread_mutex_unlock(&threads.lock);
}
