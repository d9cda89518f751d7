/*
 * thread_pool.c - a registry of workers, each with a deque; an injector for jobs from outside; and
 * a queue for each worker for broadcasts.
 *
 * Faithful to rayon-core 1.10.1, or 1.13 (see crates.h): thread_pool.h lists the allocations; their
 * sizes are asserted below. A call from outside touches the injector's block and the sleep states.
 * How a worker looks for work is in pool_worker.c, what threads wait on in pool_latch.c.
 *
 * The registry lives while it is referenced: by the handle, by each worker, and by a thread of
 * another pool that sets a latch in it.
 */
#include "thread_pool.h"

#include "crates.h"
#include "injector.h"
#include "pool_latch.h"
#include "pool_worker.h"
#include "worker_deque.h"
#include "zkalloc.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDS_MIN 4 /* least capacity of the arrays of deque ends */

/* ---- Memory blocks, by size as in the crate ---- */

/* What a new thread is given to know which worker it is. The sizes are those of std and of the
 * crate. */
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

static_assert(sizeof(struct packet) == POOL_PACKET_BYTES, "ArcInner<Packet>");
static_assert(sizeof(struct closure) == POOL_CLOSURE_BYTES, "a thread's boxed main function");
static_assert(sizeof(struct start) == POOL_START_BYTES, "what a thread starts from");
static_assert(sizeof(struct broadcast_job) == POOL_BROADCAST_BYTES, "StackJob");

/* ---- On stacks ---- */

static _Thread_local struct pool_worker *current; /* NULL outside of all pools */

/* Set by one worker, waited for by another. */
struct spin_latch {
    struct pool_latch core;
    struct pool *pool; /* of the worker that waits */
    size_t index;
    bool cross; /* a worker of another pool sets it */
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
    struct pool_flag *done;
    struct call call;
};

struct countdown {
    _Atomic size_t left;
    bool by_worker;          /* a worker waits, not some other thread */
    struct spin_latch latch; /* for a worker */
    struct pool_flag done;   /* for any other thread */
};

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("thread_pool: no memory: give the process more\n", stderr);
        abort();
    }
    return p;
}

/* ---- Latches ---- */

static struct spin_latch spin_latch(const struct pool_worker *waiter, bool cross)
{
    return (struct spin_latch){.pool = waiter->pool, .index = waiter->index, .cross = cross};
}

static void pool_release(struct pool *pool);

/* Once the latch is set it may be gone; and so may its pool, if that is not the caller's own. */
static void spin_latch_set(struct spin_latch *latch)
{
    struct pool *pool = latch->pool;
    size_t index = latch->index;
    bool cross = latch->cross;

    if (cross)
        atomic_fetch_add(&pool->references, 1);
    if (pool_latch_set(&latch->core))
        pool_worker_wake(pool, index);
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
        pool_flag_set(&countdown->done);
}

/* ---- Calls from outside ---- */

static void inject(struct pool *pool, struct job job)
{
    injector_push(&pool->injector, job);
    if (pool->ordered)
        pool_worker_wake(pool, pool_first(pool));
    else
        pool_worker_wake_any(pool);
}

static void run_injected_job(void *data)
{
    struct injected_job *job = data;

    job->call.fn(job->call.arg);
    pool_flag_set(job->done);
}

/* For a thread that is in no pool. */
static void call_from_outside(struct pool *pool, struct call call)
{
    static _Thread_local struct pool_flag done;
    struct injected_job job = {.done = &done, .call = call};

    inject(pool, (struct job){.data = &job, .run = run_injected_job});
    pool_flag_wait_and_reset(&done);
    if (pool->ordered)
        pool_wait_idle(pool);
}

static void run_stack_job(void *data)
{
    struct stack_job *job = data;

    job->call.fn(job->call.arg);
    spin_latch_set(&job->latch);
}

/* For a worker of another pool. */
static void call_across(struct pool_worker *self, struct pool *pool, struct call call)
{
    struct stack_job job = {.latch = spin_latch(self, true), .call = call};

    inject(pool, (struct job){.data = &job, .run = run_stack_job});
    pool_worker_wait_until(self, &job.latch.core);
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
    pool_worker_await_sleepers(pool, pool->threads - pool_first(pool));
}

/* ---- Join ---- */

static void push_local(struct pool_worker *self, struct job job)
{
    deque_push(&self->deque, job);
    if (!self->pool->ordered)
        pool_worker_wake_any(self->pool);
}

static void join_on_worker(struct pool_worker *self, struct call a, struct call b)
{
    struct stack_job job_b = {.latch = spin_latch(self, false), .call = b};
    struct job job;

    push_local(self, (struct job){.data = &job_b, .run = run_stack_job});
    a.fn(a.arg);
    while (!pool_latch_probe(&job_b.latch.core)) {
        if (!pool_worker_take_local(self, &job)) {
            pool_worker_wait_until(self, &job_b.latch.core); /* b was stolen */
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
    pool_flag_lock(&pool->broadcasts_lock);
    for (size_t i = 0; i < pool->threads; i++)
        deque_push(&pool->broadcasts[i], (struct job){.data = &jobs[i], .run = run_broadcast_job});
    pool_flag_unlock(&pool->broadcasts_lock);
    for (size_t i = 0; i < pool->threads; i++)
        pool_worker_wake(pool, i);
}

void pool_broadcast(struct pool *pool, void (*fn)(void *arg, size_t worker_index), void *arg)
{
    struct pool_worker *self = current;
    struct countdown countdown = {.by_worker = self != NULL};
    struct broadcast_job *jobs = checked(zk_malloc(pool->threads * sizeof *jobs));

    atomic_store(&countdown.left, pool->threads);
    if (self != NULL)
        countdown.latch = spin_latch(self, self->pool != pool);
    for (size_t i = 0; i < pool->threads; i++)
        jobs[i] = (struct broadcast_job){.fn = fn, .arg = arg, .countdown = &countdown};
    push_broadcasts(pool, jobs);
    if (self != NULL)
        pool_worker_wait_until(self, &countdown.latch.core);
    else
        pool_flag_wait_and_reset(&countdown.done);
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

static void worker_live(struct pool_worker *self)
{
    struct pool_thread_info *info = pool_info(self->pool->infos, self->index);

    current = self;
    pool_flag_set(&info->primed);
    pool_worker_wait_until(self, &info->terminate);
    pool_flag_set(&info->stopped);
    current = NULL;
}

static void *worker_main(void *arg)
{
    struct start *start = arg;
    struct closure *closure = start->closure;
    struct pool_worker worker = {
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

/* Returns 0; or an errno, and then the ends still belong to the caller. */
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
    pool_latch_set(&pool_info(pool->infos, index)->terminate);
    pool_worker_wake(pool, index);
    pthread_join(pool->sleep_states[index].thread, NULL);
}

/* ---- The life of a pool ---- */

/* The owners' ends of deques and the stealers' ends, in two arrays. */
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
static void *infos_new(struct deque_stealer *stealers, size_t count)
{
    size_t bytes = count * pool_info_bytes();
    void *infos = memset(checked(zk_malloc(bytes)), 0, bytes);

    for (size_t i = 0; i < count; i++) {
        if (crates_chosen() == CRATES_DEBIAN12)
            ((struct pool_thread_info_debian12 *)pool_info(infos, i))->terminate_count = 1;
        *pool_stealer(infos, i) = stealers[i];
    }
    zk_free(stealers);
    return infos;
}

static struct pool_sleep_state *sleep_states_new(size_t count)
{
    size_t align = alignof(struct pool_sleep_state);
    struct pool_sleep_state *states = checked(zk_aligned_alloc(align, count * sizeof *states));

    for (size_t i = 0; i < count; i++)
        states[i] = (struct pool_sleep_state){0};
    return states;
}

enum kind { FREE, ORDERED, WITH_CALLER };

/* Takes over the stealers of the workers' deques, and the broadcast queues. */
static struct pool *registry_new(size_t threads, enum kind kind, struct deque_stealer *stealers,
                                 struct worker_deque *broadcasts)
{
    void *infos = infos_new(stealers, threads);
    struct pool_sleep_state *sleep_states = sleep_states_new(threads);
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
        .ordered = kind != FREE,
        .with_caller = kind == WITH_CALLER,
        .broadcasts = broadcasts,
    };
    return pool;
}

static void pool_release(struct pool *pool)
{
    /* Acq_rel: pairs with itself on another thread; all uses of the pool happen before its end. */
    if (atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < pool->threads; i++)
        deque_stealer_drop(pool_stealer(pool->infos, i));
    zk_free(pool->infos);
    zk_free(pool->sleep_states);
    injector_deinit(&pool->injector);
    for (size_t i = 0; i < pool->threads; i++)
        deque_deinit(&pool->broadcasts[i]);
    zk_free(pool->broadcasts);
    zk_free(pool);
}

/* The calling thread is worker 0 from now on, and for as long as it lives. */
static void take_in_caller(struct pool *pool, struct worker_deque deque,
                           struct deque_stealer broadcasts)
{
    struct pool_worker *self =
        checked(zk_aligned_alloc(alignof(struct pool_worker), sizeof *self)); /* never freed */

    *self = (struct pool_worker){
        .deque = deque, .broadcasts = broadcasts, .pool = pool, .random = seed()};
    injector_init(&self->spawn_queue);
    atomic_fetch_add(&pool->references, 1);
    current = self;
    pool_flag_set(&pool_info(pool->infos, 0)->primed);
}

static struct pool *create(size_t threads, enum kind kind)
{
    struct ends workers = ends_new(threads);
    struct ends broadcasts = ends_new(threads);
    struct pool *pool = registry_new(threads, kind, workers.stealers, broadcasts.deques);
    size_t started = 0;
    int error = 0;

    if (kind == WITH_CALLER)
        take_in_caller(pool, workers.deques[started++], broadcasts.stealers[0]);
    for (; started < threads && error == 0; started += error == 0) {
        error = start_worker(pool, started, workers.deques[started], broadcasts.stealers[started]);
        if (error == 0 && kind != FREE)
            pool_worker_await_sleepers(pool, started + 1 - pool_first(pool));
    }
    for (size_t i = started; i < threads; i++) {
        deque_deinit(&workers.deques[i]);
        deque_stealer_drop(&broadcasts.stealers[i]);
    }
    zk_free(workers.deques);
    zk_free(broadcasts.stealers);
    if (error == 0)
        return pool;
    for (size_t i = pool_first(pool); i < started; i++)
        end_worker(pool, i);
    pool_release(pool);
    errno = error;
    return NULL;
}

static struct pool *create_checked(size_t threads, enum kind kind)
{
    if (threads > 0 && threads <= POOL_THREADS_MAX)
        return create(threads, kind);
    errno = EINVAL;
    return NULL;
}

struct pool *pool_create(size_t threads)
{
    return create_checked(threads, FREE);
}

struct pool *pool_create_ordered(size_t threads)
{
    return create_checked(threads, ORDERED);
}

struct pool *pool_create_with_caller(size_t threads)
{
    if (current == NULL)
        return create_checked(threads, WITH_CALLER);
    errno = EBUSY;
    return NULL;
}

void pool_destroy(struct pool *pool)
{
    for (size_t i = pool_first(pool); i < pool->threads; i++)
        end_worker(pool, i);
    pool_release(pool);
}

size_t pool_threads(const struct pool *pool)
{
    return pool->threads;
}
