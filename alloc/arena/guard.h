/*
 * guard.h - phases that end with the frame that opened them.
 */
#ifndef ZK_GUARD_H
#define ZK_GUARD_H

/* Forgets the guards and catches of the calling thread whose frames are gone, and ends the phases
 * that they left behind. */
void zk_guard_prune(void);

#endif
