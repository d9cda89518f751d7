/*
 * guard.h - phases that end with the frame that opened them.
 */
#ifndef ZK_GUARD_H
#define ZK_GUARD_H

/* Drops the calling thread's guards and catches whose frames are gone, and ends the phases that
 * they left open. */
void zk_guard_prune(void);

#endif
