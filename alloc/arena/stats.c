/*
 * stats.c - sums over slabs and threads, less what they were at the last reset.
 */
#include "defer.h"
#include "lock.h"
#include "misuse.h"
#include "phase.h"
#include "region.h"
#include "slab.h"
#include "system.h"
#include "tenure.h"
#include "thread.h"

static struct {
    struct zk_lock lock;
    /* Counts only. One is in use while the other is written, so that the child of a fork finds one
     * that is whole. */
    struct zk_stats at_reset[2];
    _Atomic unsigned in_use;
} stats;

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
        .misuses = zk_misuses(),
        .system = zk_system_name(),
    };
    zk_tenure_stats(sum);
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
    const struct zk_stats *before;
    struct zk_stats sum;

    if (zk_defers())
        return zk_other->stats(out);
    zk_thread_settle();
    zk_lock(&stats.lock);
    collect(&sum);
    before = &stats.at_reset[atomic_load(&stats.in_use)];
    sum.phases -= before->phases;
    sum.arena_count -= before->arena_count;
    sum.arena_bytes -= before->arena_bytes;
    sum.system_count -= before->system_count;
    sum.system_bytes -= before->system_bytes;
    sum.overflow_count -= before->overflow_count;
    sum.overflow_bytes -= before->overflow_bytes;
    sum.misuses -= before->misuses;
    sum.rewinds -= before->rewinds;
    sum.walks -= before->walks;
    sum.reuses -= before->reuses;
    sum.reclaimed_bytes -= before->reclaimed_bytes;
    sum.orphans -= before->orphans;
    zk_unlock(&stats.lock);
    *out = sum;
    return 0;
}

void zk_reset_stats(void)
{
    if (zk_defers()) {
        zk_other->reset_stats();
        return;
    }
    zk_lock(&stats.lock);
    collect(&stats.at_reset[1 - atomic_load(&stats.in_use)]);
    atomic_store(&stats.in_use, 1 - atomic_load(&stats.in_use));
    zk_unlock(&stats.lock);
}
