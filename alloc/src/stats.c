/*
 * stats.c - sums over slabs and threads, less what they were at the last reset.
 */
#include "stats.h"
#include "config.h"
#include "defer.h"
#include "phase.h"
#include "region.h"
#include "slab.h"
#include "thread.h"

#include <pthread.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    struct zk_stats at_reset; /* counts only */
} stats = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void collect(struct zk_stats *sum)
{
    struct phase_counts phases = zk_phase_counts();
    struct thread_totals threads = zk_thread_totals();

    *sum = (struct zk_stats){
        .phases = phases.phases,
        .orphans = phases.orphans,
        .retained_count = phases.retained_count,
        .system_count = threads.system_count,
        .system_bytes = threads.system_bytes,
        .overflow_count = threads.overflow_count,
        .overflow_bytes = threads.overflow_bytes,
        .slabs_in_use = zk_thread_slabs_in_use(),
    };
    if (!zk_region_holds(atomic_load(&zk_region.base)))
        return; /* not reserved, or refused */
    sum->slabs = zk_region.slabs;
    sum->slab_bytes = zk_region.slab_bytes;
    for (unsigned i = 0; i < zk_region.slabs; i++) {
        struct slab *slab = zk_region_slab(i);
        struct slab_totals totals = zk_slab_totals(slab);

        sum->arena_count += totals.count;
        sum->arena_bytes += totals.bytes;
        sum->rewinds += atomic_load(&slab->rewinds);
        sum->walks += atomic_load(&slab->walks);
        sum->reuses += atomic_load(&slab->reuses);
        sum->reclaimed_bytes += atomic_load(&slab->reclaimed_bytes);
        sum->pinned_chunks += atomic_load(&slab->pinned_chunks);
        sum->pinned_bytes += atomic_load(&slab->pinned_bytes);
    }
}

int zk_stats(struct zk_stats *out)
{
    struct zk_stats sum;

    if (zk_defers())
        return zk_other->stats(out);
    pthread_mutex_lock(&stats.lock);
    collect(&sum);
    sum.phases -= stats.at_reset.phases;
    sum.arena_count -= stats.at_reset.arena_count;
    sum.arena_bytes -= stats.at_reset.arena_bytes;
    sum.system_count -= stats.at_reset.system_count;
    sum.system_bytes -= stats.at_reset.system_bytes;
    sum.overflow_count -= stats.at_reset.overflow_count;
    sum.overflow_bytes -= stats.at_reset.overflow_bytes;
    sum.rewinds -= stats.at_reset.rewinds;
    sum.walks -= stats.at_reset.walks;
    sum.reuses -= stats.at_reset.reuses;
    sum.reclaimed_bytes -= stats.at_reset.reclaimed_bytes;
    sum.orphans -= stats.at_reset.orphans;
    pthread_mutex_unlock(&stats.lock);
    *out = sum;
    return 0;
}

void zk_reset_stats(void)
{
    if (zk_defers()) {
        zk_other->reset_stats();
        return;
    }
    pthread_mutex_lock(&stats.lock);
    collect(&stats.at_reset);
    pthread_mutex_unlock(&stats.lock);
}

void zk_stats_fork_prepare(void)
{
    pthread_mutex_lock(&stats.lock);
}

void zk_stats_fork_parent(void)
{
    pthread_mutex_unlock(&stats.lock);
}
