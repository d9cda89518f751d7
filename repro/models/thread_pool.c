/*
 * thread_pool.c - a registry of workers, each with a deque; an injector for jobs from outside; and
 * a queue for each worker for broadcasts.
 *
 * Faithful to rayon-core 1.10.1: the allocations are listed in thread_pool.h, and asserted below by
 * size. A call from outside touches the injector's block and the sleep states; a worker that looks
 * for work touches its deque, its broadcast queue, its epoch record, the others' deques and the
 * injector, in this order.
 *
 * Simpler than the crate: a worker that is about to sleep counts itself and looks once more at all
 * queues, where the crate compares a count of job events. The counts lie in the same block.
 */
#include "thread_pool.h"

#include "injector.h"
#include "worker_deque.h"
#include "zkalloc.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS_UNTIL_SLEEPING 33 /* looks in vain before a worker sleeps */
#define ENDS_MIN              4  /* least capacity of the arrays of deque ends */

/* ---- Memory blocks, by size as in the crate ---- */

/* A flag, its lock, and a condition: Mutex<bool> and Condvar of std, 12 bytes. */
struct flag {
    _Atomic uint32_t lock; /* 0 free, 1 held, 2 held and waited for */
    bool poisoned;         /* only for its size */
    bool set;
    _Atomic uint32_t changes; /* of set */
};

/* What a worker waits for while it runs other jobs. */
struct core_latch {
    _Atomic size_t state;
};
enum { LATCH_UNSET = 0, LATCH_SLEEPING = 2, LATCH_SET = 3 };

struct thread_info {
    struct flag primed;
    struct flag stopped;
    struct core_latch terminate;
    size_t terminate_count;
    struct deque_stealer stealer;
};

/* On two cache lines of its own. */
struct sleep_state {
    alignas(128) struct flag blocked;
    pthread_t thread; /* where the crate has padding */
};

/* The registry. */
struct pool {
    _Atomic size_t references; /* the handle's, and one for each worker */
    alignas(128) struct injector injector;
    alignas(128) struct thread_info *infos;
    struct sleep_state *sleep_states;
    size_t threads;
    _Atomic uint32_t sleepers;
    bool ordered;
    alignas(128) struct flag broadcasts_lock; /* guards the array */
    struct worker_deque *broadcasts;
};

/* How a new thread learns who it is. The sizes are std's and the crate's. */
struct packet {
    size_t counts[3];
    size_t result[3];
};
struct closure {
    struct worker_deque deque;
    struct deque_stealer broadcasts;
    struct pool *pool;
    size_t index;
    struct packet *packet;
    size_t name_and_stack[9];
};
struct start {
    size_t thread;
    struct closure *closure;
    size_t vtable;
};

/* A broadcast's job for one worker. */
struct broadcast_job {
    void (*fn)(void *arg, size_t worker_index);
    void *arg;
    struct countdown *countdown;
    size_t result[2];
};

static_assert(sizeof(struct flag) == 12, "LockLatch, rayon-core 1.10.1 on std of Rust 1.95");
static_assert(sizeof(struct thread_info) == POOL_THREAD_INFO_BYTES, "ThreadInfo");
static_assert(sizeof(struct sleep_state) == POOL_SLEEP_STATE_BYTES, "CachePadded<..SleepState>");
static_assert(sizeof(struct pool) == POOL_REGISTRY_BYTES, "ArcInner<Registry>");
static_assert(sizeof(struct packet) == POOL_PACKET_BYTES, "ArcInner<Packet>");
static_assert(sizeof(struct closure) == POOL_CLOSURE_BYTES, "a thread's boxed main function");
static_assert(sizeof(struct start) == POOL_START_BYTES, "what a thread starts from");
static_assert(sizeof(struct broadcast_job) == POOL_BROADCAST_BYTES, "StackJob");

/* ---- On stacks ---- */

struct worker {
    struct worker_deque deque;
    struct deque_stealer broadcasts;
    struct injector spawn_queue; /* spawn_fifo of the crate is not modelled; its block is */
    struct pool *pool;
    size_t index;
    uint64_t random;
};

static _Thread_local struct worker *current; /* NULL outside of all pools */

/* Set by one worker, waited for by another. */
struct spin_latch {
    struct core_latch core;
    struct pool *pool; /* of the worker that waits */
    size_t index;
    bool cross; /* it is set by a worker of another pool */
};

struct call {
    void (*fn)(void *arg);
    void *arg;
};

struct stack_job {
    struct spin_latch latch;
    struct call call;
};

struct injected_job {
    struct flag *done;
    struct call call;
};

struct countdown {
    _Atomic size_t left;
    bool by_worker;          /* who waits */
    struct spin_latch latch; /* for a worker */
    struct flag done;        /* for any other thread */
};

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("thread_pool: no memory: give the process more\n", stderr);
        abort();
    }
    return p;
}

/* ---- Flags ---- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static void flag_lock(struct flag *flag)
{
    if (atomic_compare_exchange_strong(&flag->lock, &(uint32_t){0}, 1))
        return;
    while (atomic_exchange(&flag->lock, 2) != 0)
        futex_wait(&flag->lock, 2);
}

/* From the exchange on, the flag may be gone: only its address is used. */
static void flag_unlock(struct flag *flag)
{
    if (atomic_exchange(&flag->lock, 0) == 2)
        futex_wake(&flag->lock, 1);
}

/* Waits until it is what is wanted. The caller holds the lock, which is given up meanwhile. */
static void flag_await(struct flag *flag, bool wanted)
{
    while (flag->set != wanted) {
        uint32_t changes = atomic_load(&flag->changes);

        flag_unlock(flag);
        futex_wait(&flag->changes, changes);
        flag_lock(flag);
    }
}

/* The caller holds the lock. */
static void flag_change(struct flag *flag, bool set)
{
    flag->set = set;
    atomic_fetch_add(&flag->changes, 1);
    futex_wake(&flag->changes, INT_MAX);
}

static void flag_set(struct flag *flag)
{
    flag_lock(flag);
    flag_change(flag, true);
    flag_unlock(flag);
}

static void flag_wait_and_reset(struct flag *flag)
{
    flag_lock(flag);
    flag_await(flag, true);
    flag->set = false;
    flag_unlock(flag);
}

/* ---- Sleep ---- */

/* Wakes worker i if it sleeps. What the caller wants it to see has been stored before: a worker
 * that has not fallen asleep yet holds the lock, and has its last look under it. */
static bool wake_worker(struct pool *pool, size_t i)
{
    struct flag *blocked = &pool->sleep_states[i].blocked;
    bool slept;

    flag_lock(blocked);
    slept = blocked->set;
    if (slept) {
        flag_change(blocked, false);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
    flag_unlock(blocked);
    return slept;
}

static void wake_any(struct pool *pool)
{
    /* The other side is in fall_asleep, which counts itself and then looks for work. After a push
     * on a deque, whose store is weaker, a sleeper may be missed: then the pusher runs the job. */
    if (atomic_load(&pool->sleepers) == 0)
        return;
    for (size_t i = 0; i < pool->threads; i++)
        if (wake_worker(pool, i))
            return;
}

static bool takes_injected(const struct worker *self)
{
    return !self->pool->ordered || self->index == 0;
}

static bool work_in_sight(struct worker *self)
{
    struct pool *pool = self->pool;

    if (!deque_stealer_is_empty(&self->broadcasts))
        return true;
    if (takes_injected(self) && !injector_is_empty(&pool->injector))
        return true;
    for (size_t i = 0; i < pool->threads && !pool->ordered; i++)
        if (!deque_stealer_is_empty(&pool->infos[i].stealer))
            return true;
    return false;
}

/* Sleeps until woken, unless the latch is set or there is work. */
static void fall_asleep(struct worker *self, struct core_latch *latch)
{
    struct pool *pool = self->pool;
    struct flag *blocked = &pool->sleep_states[self->index].blocked;
    size_t state = LATCH_UNSET;

    flag_lock(blocked);
    if (atomic_compare_exchange_strong(&latch->state, &state, LATCH_SLEEPING)) {
        atomic_fetch_add(&pool->sleepers, 1);
        if (work_in_sight(self)) {
            atomic_fetch_sub(&pool->sleepers, 1);
        } else {
            futex_wake(&pool->sleepers, INT_MAX); /* for await_sleepers */
            blocked->set = true;
            flag_await(blocked, false);
        }
        state = LATCH_SLEEPING;
        atomic_compare_exchange_strong(&latch->state, &state, LATCH_UNSET);
    }
    flag_unlock(blocked);
}

static void await_sleepers(struct pool *pool, size_t count)
{
    for (;;) {
        uint32_t sleepers = atomic_load(&pool->sleepers);

        if (sleepers == count)
            return;
        futex_wait(&pool->sleepers, sleepers);
    }
}

/* ---- Latches ---- */

static bool latch_probe(const struct core_latch *latch)
{
    return atomic_load(&latch->state) == LATCH_SET;
}

/* True if the worker that waits for it sleeps. */
static bool latch_set(struct core_latch *latch)
{
    return atomic_exchange(&latch->state, LATCH_SET) == LATCH_SLEEPING;
}

static struct spin_latch spin_latch(const struct worker *waiter, bool cross)
{
    return (struct spin_latch){.pool = waiter->pool, .index = waiter->index, .cross = cross};
}

static void pool_release(struct pool *pool);

/* Once it is set, the latch may be gone; and its pool too, when that is not the caller's own. */
static void spin_latch_set(struct spin_latch *latch)
{
    struct pool *pool = latch->pool;
    size_t index = latch->index;
    bool cross = latch->cross;

    if (cross)
        atomic_fetch_add(&pool->references, 1);
    if (latch_set(&latch->core))
        wake_worker(pool, index);
    if (cross)
        pool_release(pool);
}

static void countdown_set(struct countdown *countdown)
{
    if (atomic_fetch_sub(&countdown->left, 1) != 1)
        return;
    if (countdown->by_worker)
        spin_latch_set(&countdown->latch);
    else
        flag_set(&countdown->done);
}

/* ---- Finding work ---- */

static bool take_broadcast(struct worker *self, struct job *job)
{
    enum steal result;

    do
        result = deque_steal(&self->broadcasts, job);
    while (result == STEAL_RETRY);
    return result == STEAL_SUCCESS;
}

static bool take_local(struct worker *self, struct job *job)
{
    return deque_pop(&self->deque, job) || take_broadcast(self, job);
}

/* xorshift64*, as the crate's. */
static uint64_t next_random(struct worker *self)
{
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return self->random * 0x2545f4914f6cdd1d;
}

static bool steal_from_others(struct worker *self, struct job *job)
{
    struct pool *pool = self->pool;
    size_t threads = pool->threads;
    bool retry = threads > 1 && !pool->ordered;

    while (retry) {
        size_t first = (size_t)(next_random(self) % threads);

        retry = false;
        for (size_t i = 0; i < threads; i++) {
            size_t victim = (first + i) % threads;
            enum steal result;

            if (victim == self->index)
                continue;
            result = deque_steal(&pool->infos[victim].stealer, job);
            if (result == STEAL_SUCCESS)
                return true;
            retry = retry || result == STEAL_RETRY;
        }
    }
    return false;
}

static bool take_injected(struct worker *self, struct job *job)
{
    enum steal result = STEAL_RETRY;

    while (takes_injected(self) && result == STEAL_RETRY)
        result = injector_steal(&self->pool->injector, job);
    return result == STEAL_SUCCESS;
}

/* Runs whatever there is to run until the latch is set. */
static void wait_until(struct worker *self, struct core_latch *latch)
{
    unsigned rounds = 0;
    struct job job;

    while (!latch_probe(latch)) {
        if (take_local(self, &job) || steal_from_others(self, &job) || take_injected(self, &job)) {
            job.run(job.data);
            rounds = 0;
        } else if (!self->pool->ordered && rounds++ < ROUNDS_UNTIL_SLEEPING) {
            sched_yield();
        } else {
            fall_asleep(self, latch);
            rounds = 0;
        }
    }
}

/* ---- Calls from outside ---- */

static void inject(struct pool *pool, struct job job)
{
    injector_push(&pool->injector, job);
    if (pool->ordered)
        wake_worker(pool, 0);
    else
        wake_any(pool);
}

static void run_injected_job(void *data)
{
    struct injected_job *job = data;

    job->call.fn(job->call.arg);
    flag_set(job->done);
}

/* On a thread that is in no pool. */
static void call_from_outside(struct pool *pool, struct call call)
{
    static _Thread_local struct flag done;
    struct injected_job job = {.done = &done, .call = call};

    inject(pool, (struct job){.data = &job, .run = run_injected_job});
    flag_wait_and_reset(&done);
    if (pool->ordered)
        pool_wait_idle(pool);
}

static void run_stack_job(void *data)
{
    struct stack_job *job = data;

    job->call.fn(job->call.arg);
    spin_latch_set(&job->latch);
}

/* On a worker of another pool. */
static void call_across(struct worker *self, struct pool *pool, struct call call)
{
    struct stack_job job = {.latch = spin_latch(self, true), .call = call};

    inject(pool, (struct job){.data = &job, .run = run_stack_job});
    wait_until(self, &job.latch.core);
}

void pool_install(struct pool *pool, void (*fn)(void *arg), void *arg)
{
    struct call call = {.fn = fn, .arg = arg};

    if (current == NULL)
        call_from_outside(pool, call);
    else if (current->pool != pool)
        call_across(current, pool, call);
    else
        fn(arg);
}

void pool_wait_idle(struct pool *pool)
{
    await_sleepers(pool, pool->threads);
}

/* ---- Join ---- */

static void push_local(struct worker *self, struct job job)
{
    deque_push(&self->deque, job);
    if (!self->pool->ordered)
        wake_any(self->pool);
}

static void join_on_worker(struct worker *self, struct call a, struct call b)
{
    struct stack_job job_b = {.latch = spin_latch(self, false), .call = b};
    struct job job;

    push_local(self, (struct job){.data = &job_b, .run = run_stack_job});
    a.fn(a.arg);
    while (!latch_probe(&job_b.latch.core)) {
        if (!take_local(self, &job)) {
            wait_until(self, &job_b.latch.core); /* b was stolen */
            return;
        }
        if (job.data == &job_b && job.run == run_stack_job) {
            b.fn(b.arg);
            return;
        }
        job.run(job.data);
    }
}

struct join {
    struct call a;
    struct call b;
};

static void run_join(void *arg)
{
    const struct join *join = arg;

    join_on_worker(current, join->a, join->b);
}

void pool_join(struct pool *pool, void (*fa)(void *arg), void *arga, void (*fb)(void *arg),
               void *argb)
{
    struct join join = {.a = {.fn = fa, .arg = arga}, .b = {.fn = fb, .arg = argb}};

    pool_install(pool, run_join, &join);
}

/* ---- Broadcast ---- */

static void run_broadcast_job(void *data)
{
    struct broadcast_job *job = data;

    job->fn(job->arg, current->index);
    countdown_set(job->countdown);
}

static void push_broadcasts(struct pool *pool, struct broadcast_job *jobs)
{
    flag_lock(&pool->broadcasts_lock);
    for (size_t i = 0; i < pool->threads; i++)
        deque_push(&pool->broadcasts[i], (struct job){.data = &jobs[i], .run = run_broadcast_job});
    flag_unlock(&pool->broadcasts_lock);
    for (size_t i = 0; i < pool->threads; i++)
        wake_worker(pool, i);
}

void pool_broadcast(struct pool *pool, void (*fn)(void *arg, size_t worker_index), void *arg)
{
    struct worker *self = current;
    struct countdown countdown = {.by_worker = self != NULL};
    struct broadcast_job *jobs = checked(zk_malloc(pool->threads * sizeof *jobs));

    atomic_store(&countdown.left, pool->threads);
    if (self != NULL)
        countdown.latch = spin_latch(self, self->pool != pool);
    for (size_t i = 0; i < pool->threads; i++)
        jobs[i] = (struct broadcast_job){.fn = fn, .arg = arg, .countdown = &countdown};
    push_broadcasts(pool, jobs);
    if (self != NULL)
        wait_until(self, &countdown.latch.core);
    else
        flag_wait_and_reset(&countdown.done);
    zk_free(jobs);
    if (self == NULL && pool->ordered)
        pool_wait_idle(pool);
}

/* ---- The life of a worker ---- */

static uint64_t seed(void)
{
    static _Atomic uint64_t count;

    return (atomic_fetch_add(&count, 1) + 1) * 0x9e3779b97f4a7c15;
}

static void worker_live(struct worker *self)
{
    struct thread_info *info = &self->pool->infos[self->index];

    current = self;
    flag_set(&info->primed);
    wait_until(self, &info->terminate);
    flag_set(&info->stopped);
    current = NULL;
}

static void *worker_main(void *arg)
{
    struct start *start = arg;
    struct closure *closure = start->closure;
    struct worker worker = {
        .deque = closure->deque,
        .broadcasts = closure->broadcasts,
        .pool = closure->pool,
        .index = closure->index,
        .random = seed(),
    };
    struct packet *packet = closure->packet;

    zk_free(start);
    injector_init(&worker.spawn_queue);
    worker_live(&worker);
    deque_deinit(&worker.deque);
    deque_stealer_drop(&worker.broadcasts);
    injector_deinit(&worker.spawn_queue);
    pool_release(worker.pool);
    packet->result[0] = 1;
    zk_free(packet);
    zk_free(closure);
    return NULL;
}

/* 0, or an errno; then nothing has changed, and the ends are still the caller's. */
static int start_worker(struct pool *pool, size_t index, struct worker_deque deque,
                        struct deque_stealer broadcasts)
{
    struct packet *packet = checked(zk_malloc(sizeof *packet));
    struct closure *closure = checked(zk_malloc(sizeof *closure));
    struct start *start = checked(zk_malloc(sizeof *start));
    int error;

    *packet = (struct packet){0};
    *closure = (struct closure){
        .deque = deque,
        .broadcasts = broadcasts,
        .pool = pool,
        .index = index,
        .packet = packet,
    };
    *start = (struct start){.closure = closure};
    atomic_fetch_add(&pool->references, 1);
    error = pthread_create(&pool->sleep_states[index].thread, NULL, worker_main, start);
    if (error == 0)
        return 0;
    atomic_fetch_sub(&pool->references, 1);
    zk_free(start);
    zk_free(closure);
    zk_free(packet);
    return error;
}

static void end_worker(struct pool *pool, size_t index)
{
    latch_set(&pool->infos[index].terminate);
    wake_worker(pool, index);
    pthread_join(pool->sleep_states[index].thread, NULL);
}

/* ---- The life of a pool ---- */

/* Deques and their other ends, in arrays of their own. */
struct ends {
    struct worker_deque *deques;
    struct deque_stealer *stealers;
};

static struct ends ends_new(size_t count)
{
    size_t room = count < ENDS_MIN ? ENDS_MIN : count;
    struct ends ends;

    ends.deques = checked(zk_malloc(room * sizeof *ends.deques));
    ends.stealers = checked(zk_malloc(room * sizeof *ends.stealers));
    for (size_t i = 0; i < count; i++) {
        deque_init(&ends.deques[i]);
        ends.stealers[i] = deque_stealer(&ends.deques[i]);
    }
    return ends;
}

/* Takes over the stealers. */
static struct thread_info *infos_new(struct deque_stealer *stealers, size_t count)
{
    struct thread_info *infos = checked(zk_malloc(count * sizeof *infos));

    for (size_t i = 0; i < count; i++)
        infos[i] = (struct thread_info){.terminate_count = 1, .stealer = stealers[i]};
    zk_free(stealers);
    return infos;
}

static struct sleep_state *sleep_states_new(size_t count)
{
    size_t align = alignof(struct sleep_state);
    struct sleep_state *states = checked(zk_aligned_alloc(align, count * sizeof *states));

    for (size_t i = 0; i < count; i++)
        states[i] = (struct sleep_state){0};
    return states;
}

/* Takes over the stealers of the workers' deques, and the broadcast queues. */
static struct pool *registry_new(size_t threads, bool ordered, struct deque_stealer *stealers,
                                 struct worker_deque *broadcasts)
{
    struct thread_info *infos = infos_new(stealers, threads);
    struct sleep_state *sleep_states = sleep_states_new(threads);
    struct injector injector;
    struct pool *pool;

    injector_init(&injector);
    pool = checked(zk_aligned_alloc(alignof(struct pool), sizeof *pool));
    *pool = (struct pool){
        .references = 1,
        .injector = injector,
        .infos = infos,
        .sleep_states = sleep_states,
        .threads = threads,
        .ordered = ordered,
        .broadcasts = broadcasts,
    };
    return pool;
}

static void pool_release(struct pool *pool)
{
    /* Acq_rel: pairs with itself on another thread; all use of the pool comes before its end. */
    if (atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < pool->threads; i++)
        deque_stealer_drop(&pool->infos[i].stealer);
    zk_free(pool->infos);
    zk_free(pool->sleep_states);
    injector_deinit(&pool->injector);
    for (size_t i = 0; i < pool->threads; i++)
        deque_deinit(&pool->broadcasts[i]);
    zk_free(pool->broadcasts);
    zk_free(pool);
}

static struct pool *create(size_t threads, bool ordered)
{
    struct ends workers = ends_new(threads);
    struct ends broadcasts = ends_new(threads);
    struct pool *pool = registry_new(threads, ordered, workers.stealers, broadcasts.deques);
    size_t started = 0;
    int error = 0;

    for (; started < threads && error == 0; started += error == 0) {
        error = start_worker(pool, started, workers.deques[started], broadcasts.stealers[started]);
        if (error == 0 && ordered)
            await_sleepers(pool, started + 1);
    }
    for (size_t i = started; i < threads; i++) {
        deque_deinit(&workers.deques[i]);
        deque_stealer_drop(&broadcasts.stealers[i]);
    }
    zk_free(workers.deques);
    zk_free(broadcasts.stealers);
    if (error == 0)
        return pool;
    for (size_t i = 0; i < started; i++)
        end_worker(pool, i);
    pool_release(pool);
    errno = error;
    return NULL;
}

static struct pool *create_checked(size_t threads, bool ordered)
{
    if (threads > 0 && threads <= POOL_THREADS_MAX)
        return create(threads, ordered);
    errno = EINVAL;
    return NULL;
}

struct pool *pool_create(size_t threads)
{
    return create_checked(threads, false);
}

struct pool *pool_create_ordered(size_t threads)
{
    return create_checked(threads, true);
}

void pool_destroy(struct pool *pool)
{
    for (size_t i = 0; i < pool->threads; i++)
        end_worker(pool, i);
    pool_release(pool);
}

size_t pool_threads(const struct pool *pool)
{
    return pool->threads;
}
