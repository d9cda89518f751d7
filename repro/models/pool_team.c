/*
 * pool_team.c - work for a thread pool.
 */
#include "pool_team.h"
#include "thread_pool.h"

struct call {
    void (*act)(void *arg);
    void *arg;
};

static void act_on_worker(void *arg, size_t worker)
{
    const struct call *call = arg;

    (void)worker;
    call->act(call->arg);
}

void pool_team_reach(void *pool, void (*act)(void *arg), void *arg)
{
    struct call call = {act, arg};

    pool_broadcast(pool, act_on_worker, &call);
}

struct recursion {
    struct pool *pool;
    unsigned long depth;
    _Atomic unsigned long leaves;
};

static void leaf(void *arg)
{
    struct recursion *recursion = arg;

    recursion->leaves++;
}

static void descend(void *arg)
{
    struct recursion *recursion = arg;

    if (recursion->depth == 0)
        return;
    recursion->depth--; /* read and written only by the thread that goes deeper */
    pool_join(recursion->pool, descend, recursion, leaf, recursion);
}

unsigned long pool_team_recurse(struct pool *pool, unsigned long depth)
{
    struct recursion recursion = {.pool = pool, .depth = depth};

    pool_install(pool, descend, &recursion);
    return recursion.leaves;
}
