/*
 * pool_team.h - how to reach every worker of a pool, one call on each: what a harness asks of a
 * team.
 */
#ifndef POOL_TEAM_H
#define POOL_TEAM_H

/* Runs act(arg) on each worker of pool (a struct pool) once, and returns when all have returned. */
void pool_team_reach(void *pool, void (*act)(void *arg), void *arg);

/* Runs depth nested joins on the pool: a join at each level, whose right half waits in the deque
 * while the left one goes deeper. Returns the number of right halves that were run: depth, if all
 * is well. */
struct pool;
unsigned long pool_team_recurse(struct pool *pool, unsigned long depth);

#endif
