/*
 * hook.h - what runs after each phase.
 */
#ifndef ZK_HOOK_H
#define ZK_HOOK_H

/* Runs them, in the order of registration, on this thread. */
void zk_hooks_run(void);

/* Forgets those that lie in objects which are not loaded any more. */
void zk_hooks_prune(void);

#endif
