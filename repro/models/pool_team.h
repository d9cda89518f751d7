/*
 * pool_team.h - one call on every worker of a pool, as the harness's repro_team needs it.
 */
#ifndef POOL_TEAM_H
#define POOL_TEAM_H

/* Runs act(arg) on each worker of pool (a struct pool) once, and returns when all have returned. */
void pool_team_reach(void *pool, void (*act)(void *arg), void *arg);

/* Runs depth nested joins on the pool: a join at each level, whose right half waits in the deque
 * while the left one goes deeper. Returns how many right halves have run: depth, if all went
 * well. */
struct pool;
unsigned long pool_team_recurse(struct pool *pool, unsigned long depth);

#endif
