/*
 * defer.c - which library serves if both are in the process.
 */
#include "defer.h"
#include "load.h"

#include <dlfcn.h>

const struct zk_api *zk_other;

bool zk_defers_rarely(void)
{
    zk_load();
    return (zk_rare() & ZK_RARE_DEFERS) != 0;
}

#ifdef ZK_INTERPOSE

__attribute__((visibility("default"))) const struct zk_api zk_preload_api_4 = {
    .route = zk_route,
    .zeroed = zk_zeroed,
    .resize = zk_resize,
    .resize_sized = zk_resize_sized,
    .free = zk_free,
    .usable_size = zk_usable_size,
    .owns = zk_owns,
    .begin_phase = zk_begin_phase,
    .end_phase = zk_end_phase,
    .discard_phase = zk_discard_phase,
    .wipe_phase = zk_wipe_phase,
    .phase = zk_phase,
    .scope_enter = zk_scope_enter,
    .scope_leave = zk_phase_scope_leave,
    .catch = zk_catch,
    .escape = zk_escape,
    .on_phase_end = zk_on_phase_end,
    .remove_phase_end = zk_remove_phase_end,
    .high_water = zk_high_water,
    .stats = zk_stats,
    .reset_stats = zk_reset_stats,
    .audit_summary = zk_audit_summary,
    .audit_report = zk_audit_report,
    .configure = zk_configure,
    .config = zk_config,
};

void zk_defer_load(void)
{
}

#else

void zk_defer_load(void)
{
    zk_other = dlsym(RTLD_DEFAULT, "zk_preload_api_4");
    if (zk_other != NULL)
        atomic_fetch_or(&zk_rare_flags, ZK_RARE_DEFERS);
}

#endif
