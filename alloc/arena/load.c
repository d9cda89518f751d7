/*
 * load.c - in which order the parts start.
 */
#include "load.h"
#include "chaos.h"
#include "config.h"
#include "defer.h"
#include "epoch.h"
#include "os.h"
#include "phase.h"
#include "rare.h"
#include "system.h"
#include "thread.h"
#include "trap.h"
#include "witness.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

_Atomic unsigned zk_rare_flags = ZK_RARE_NEW;

/* The settings are read later where we are not malloc. */
static bool is_to_be_trapped(void)
{
#ifdef ZK_INTERPOSE
    return zk_settings.audit == ZK_AUDIT_TRAP && !zk_system_stands_by();
#else
    const char *audit = getauxval(AT_SECURE) != 0 ? NULL : getenv("ZK_ALLOC_AUDIT");

    return zk_other == NULL && audit != NULL && strcmp(audit, "trap") == 0;
#endif
}

static void start(void)
{
    zk_system_load();
    zk_os_load();
    zk_witness_load();
    zk_epoch_load();
    zk_thread_load();
    zk_defer_load();
#ifdef ZK_INTERPOSE
    zk_phase_load();
#endif
    if (is_to_be_trapped())
        zk_trap_load();
}

void zk_load(void)
{
    static _Atomic bool started;
    static _Atomic bool loaded;
    static _Thread_local bool mine __attribute__((tls_model(ZK_TLS_MODEL)));

    if (atomic_load(&loaded) || mine) /* what the start itself allocates comes from system */
        return;
    if (atomic_exchange(&started, true)) {
        while (
            !atomic_load(&loaded)) /* two threads before main, in some constructor of somebody's */
            sched_yield();
        return;
    }
    mine = zk_detour = true;
    start();
    mine = zk_detour = false;
    atomic_store(&loaded, true);
    atomic_fetch_and(&zk_rare_flags, ~(unsigned)ZK_RARE_NEW);
}

/* Before the constructors of the program that is linked with us. */
__attribute__((constructor(101))) static void load(void)
{
    zk_load();
}
