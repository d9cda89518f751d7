/*
 * observer.c - picks the observer that watches.
 */
#include "observer.h"
#include "region.h"

const struct zk_observer *_Atomic zk_observer;

enum { observers_max = 4 };

/* Written when the library is loaded. */
static struct {
    const struct zk_observer *all[observers_max];
    unsigned count;
} observers;

void zk_observer_add(const struct zk_observer *observer)
{
    observers.all[observers.count++] = observer;
}

static const struct zk_observer *find_wanted(void)
{
    for (unsigned i = 0; i < observers.count; i++)
        if (observers.all[i]->wanted())
            return observers.all[i];
    return NULL;
}

/* The flag comes last: whoever sees it may use the table. */
void zk_observer_start(void)
{
    const struct zk_observer *wanted = find_wanted();

    if (wanted != NULL && wanted->stand_in != NULL)
        wanted->stand_in->reserve();
    else
        zk_region_reserve();
    if (wanted == NULL)
        return;
    if (wanted->start != NULL)
        wanted->start();
    atomic_store(&zk_observer, wanted);
    atomic_fetch_or(&zk_rare_flags, ZK_RARE_ATTENDED);
}

size_t zk_observer_slab_bytes(size_t wanted)
{
    for (unsigned i = 0; i < observers.count; i++)
        if (observers.all[i]->slab_bytes != NULL)
            wanted = observers.all[i]->slab_bytes(wanted);
    return wanted;
}

bool zk_observer_audits(void)
{
    for (unsigned i = 0; i < observers.count; i++)
        if (observers.all[i]->audits)
            return true;
    return false;
}
