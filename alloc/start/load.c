/*
 * load.c - puts the parts together: the order in which they start, and which observers may watch
 * the arena.
 */
#include "load.h"
#include "audit.h"
#include "defer.h"
#include "epoch.h"
#include "observer.h"
#include "os.h"
#include "phase.h"
#include "system.h"
#include "thread.h"
#include "tools.h"

#include <sched.h>

static void start(void)
{
    zk_system_load();
    zk_os_load();
    zk_audit_load();
    zk_epoch_load();
    zk_thread_load();
    zk_defer_load();
    zk_observer_add(&zk_tools_observer);
#ifdef ZK_INTERPOSE
    zk_phase_load();
#endif
    zk_audit_loaded();
}

void zk_load(void)
{
    static _Atomic bool started;
    static _Atomic bool loaded;
    static _Thread_local bool mine __attribute__((tls_model(ZK_TLS_MODEL)));

    if (atomic_load(&loaded) || mine) /* what start() itself allocates comes from system */
        return;
    if (atomic_exchange(&started, true)) {
        while (!atomic_load(&loaded)) /* a constructor has started another thread before main */
            sched_yield();
        return;
    }
    mine = zk_detour = true;
    start();
    mine = zk_detour = false;
    atomic_store(&loaded, true);
    atomic_fetch_and(&zk_rare_flags, ~(unsigned)ZK_RARE_NEW);
}

/* Runs before the constructors of a program that is linked with us. */
__attribute__((constructor(101))) static void load(void)
{
    zk_load();
}
