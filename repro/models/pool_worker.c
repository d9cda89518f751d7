/*
 * pool_worker.c - how a worker finds work, and sleeps: see pool_worker.h.
 *
 * A worker looks at its deque, its broadcast queue, the others' deques and the injector, in this
 * order. Simpler than the crate: a worker that is about to sleep counts itself as a sleeper and
 * looks once more at all queues, where the crate compares a count of job events. The counts are in
 * the same block as the crate's.
 */
#include "pool_worker.h"

#include "crates.h"

#include <limits.h>
#include <sched.h>

#define ROUNDS_UNTIL_SLEEPING 33 /* futile looks before a worker sleeps */

/* ---- The records of threads ---- */

size_t pool_info_bytes(void)
{
    return crates_chosen() == CRATES_2026 ? sizeof(struct pool_thread_info_2026)
                                          : sizeof(struct pool_thread_info_debian12);
}

struct pool_thread_info *pool_info(void *infos, size_t i)
{
    return (void *)((char *)infos + i * pool_info_bytes());
}

struct deque_stealer *pool_stealer(void *infos, size_t i)
{
    void *info = pool_info(infos, i);

    return crates_chosen() == CRATES_2026 ? &((struct pool_thread_info_2026 *)info)->stealer
                                          : &((struct pool_thread_info_debian12 *)info)->stealer;
}

size_t pool_first(const struct pool *pool)
{
    return pool->with_caller ? 1 : 0;
}

/* ---- Sleep ---- */

bool pool_worker_wake(struct pool *pool, size_t i)
{
    struct pool_flag *blocked = &pool->sleep_states[i].blocked;
    bool slept;

    pool_flag_lock(blocked);
    slept = blocked->set;
    if (slept) {
        pool_flag_change(blocked, false);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
    pool_flag_unlock(blocked);
    return slept;
}

void pool_worker_wake_any(struct pool *pool)
{
    /* Pairs with fall_asleep, where a worker counts itself and then looks for work. After a push on
     * a deque, whose store is weaker, a sleeper may be missed: then the pusher runs the job
     * itself. */
    if (atomic_load(&pool->sleepers) == 0)
        return;
    for (size_t i = 0; i < pool->threads; i++)
        if (pool_worker_wake(pool, i))
            return;
}

static bool takes_injected(const struct pool_worker *self)
{
    return !self->pool->ordered || self->index == pool_first(self->pool);
}

static bool work_in_sight(struct pool_worker *self)
{
    struct pool *pool = self->pool;

    if (!deque_stealer_is_empty(&self->broadcasts))
        return true;
    if (takes_injected(self) && !injector_is_empty(&pool->injector))
        return true;
    for (size_t i = 0; i < pool->threads && !pool->ordered; i++)
        if (!deque_stealer_is_empty(pool_stealer(pool->infos, i)))
            return true;
    return false;
}

/* Sleeps until woken, unless the latch is set or there is work. */
static void fall_asleep(struct pool_worker *self, struct pool_latch *latch)
{
    struct pool *pool = self->pool;
    struct pool_flag *blocked = &pool->sleep_states[self->index].blocked;

    pool_flag_lock(blocked);
    if (pool_latch_fall_asleep(latch)) {
        atomic_fetch_add(&pool->sleepers, 1);
        if (work_in_sight(self)) {
            atomic_fetch_sub(&pool->sleepers, 1);
        } else {
            pool_futex_wake(&pool->sleepers, INT_MAX); /* for pool_worker_await_sleepers */
            blocked->set = true;
            pool_flag_await(blocked, false);
        }
        pool_latch_wake_up(latch);
    }
    pool_flag_unlock(blocked);
}

void pool_worker_await_sleepers(struct pool *pool, size_t count)
{
    for (;;) {
        uint32_t sleepers = atomic_load(&pool->sleepers);

        if (sleepers == count)
            return;
        pool_futex_wait(&pool->sleepers, sleepers);
    }
}

/* ---- Finding work ---- */

static bool take_broadcast(struct pool_worker *self, struct job *job)
{
    enum steal result;

    do
        result = deque_steal(&self->broadcasts, job);
    while (result == STEAL_RETRY);
    return result == STEAL_SUCCESS;
}

bool pool_worker_take_local(struct pool_worker *self, struct job *job)
{
    return deque_pop(&self->deque, job) || take_broadcast(self, job);
}

/* xorshift64*, as in the crate. */
static uint64_t next_random(struct pool_worker *self)
{
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return self->random * 0x2545f4914f6cdd1d;
}

static bool steal_from_others(struct pool_worker *self, struct job *job)
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
            result = deque_steal(pool_stealer(pool->infos, victim), job);
            if (result == STEAL_SUCCESS)
                return true;
            retry = retry || result == STEAL_RETRY;
        }
    }
    return false;
}

static bool take_injected(struct pool_worker *self, struct job *job)
{
    enum steal result = STEAL_RETRY;

    while (takes_injected(self) && result == STEAL_RETRY)
        result = injector_steal(&self->pool->injector, job);
    return result == STEAL_SUCCESS;
}

void pool_worker_wait_until(struct pool_worker *self, struct pool_latch *latch)
{
    unsigned rounds = 0;
    struct job job;

    while (!pool_latch_probe(latch)) {
        if (pool_worker_take_local(self, &job) || steal_from_others(self, &job) ||
            take_injected(self, &job)) {
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
