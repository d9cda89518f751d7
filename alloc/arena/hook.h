/*
 * hook.h - what runs after each phase.
 */
#ifndef ZK_HOOK_H
#define ZK_HOOK_H

/* Runs the hooks in the order of registration, on this thread. */
void zk_hooks_run(void);

/* Removes the hooks whose objects are no longer loaded. */
void zk_hooks_prune(void);

#endif
