/*
 * fork.c - all locks are taken before a fork, in the order in which they nest, and let go after it,
 * so that the child finds everything whole. The child then forgets the threads that are not there.
 */
#include "fork.h"
#include "audit.h"
#include "phase.h"
#include "stats.h"
#include "thread.h"

#include <pthread.h>

/* In between, other libraries' handlers may allocate, on this thread. */
static void prepare(void)
{
    zk_thread_self(); /* its record is there then: they need no lock */
    zk_detour = true;
    zk_stats_fork_prepare();
    zk_phase_fork_prepare();
    zk_thread_fork_prepare();
    zk_audit_fork_prepare();
}

static void parent(void)
{
    zk_audit_fork_parent();
    zk_thread_fork_parent();
    zk_phase_fork_parent();
    zk_stats_fork_parent();
    zk_detour = false;
}

static void child(void)
{
    zk_audit_fork_child();
    zk_thread_fork_child();
    zk_phase_fork_child();
    zk_stats_fork_parent();
    zk_detour = false;
}

void zk_fork_watch(void)
{
    pthread_atfork(prepare, parent, child);
}
