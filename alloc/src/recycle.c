/*
 * recycle.c - blind: rewind, whatever may still live. This is the allocator whose bugs the project
 * shows.
 */
#include "recycle.h"
#include "config.h"
#include "os.h"

void zk_recycle(struct slab *slab)
{
    zk_slab_rewind(slab);
    if (zk_settings.poison_reset) {
        size_t page = zk_os_page_bytes();
        size_t used = ((size_t)(slab->dirty - slab->base) + page - 1) & ~(page - 1);

        zk_os_discard(slab->base, used);
        slab->dirty = slab->base;
    }
}
