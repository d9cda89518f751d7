/*
 * stats.h - around fork; see fork.c. What a user sees of statistics is in zkalloc.h.
 */
#ifndef ZK_STATS_H
#define ZK_STATS_H

void zk_stats_fork_prepare(void);
void zk_stats_fork_parent(void);

#endif
