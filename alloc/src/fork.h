/*
 * fork.h - a fork while other threads are inside the allocator.
 */
#ifndef ZK_FORK_H
#define ZK_FORK_H

/* From now on a fork waits for every lock. Called once. */
void zk_fork_watch(void);

#endif
