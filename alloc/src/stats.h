/*
 * stats.h - what the rest of the allocator must know of the statistics: their lock.
 */
#ifndef ZK_STATS_H
#define ZK_STATS_H

/* Around fork, before and after all other locks: a child in which the lock stayed taken could never
 * ask for statistics. */
void zk_stats_fork_prepare(void);
void zk_stats_fork_done(void);

#endif
