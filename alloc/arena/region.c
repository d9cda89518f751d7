/*
 * region.c - reserving address space, and what to do when it is refused.
 */
#include "region.h"
#include "config.h"
#include "observer.h"
#include "os.h"
#include "slab.h"
#include "system.h"

#include <errno.h>

struct region zk_region;

enum {
    spare_slabs = 4, /* slabs beyond one per processor: for the main thread, helpers, late-comers */
    smallest_slab_bytes = 64 << 20, /* below this, fewer slabs are better than smaller ones */
};

/* An arena that takes the last of the address space would starve the C library. Is there room for
 * half as much again, or at least for a gigabyte? */
static bool leaves_room(size_t bytes)
{
    const size_t enough = (size_t)1 << 30;
    size_t room = bytes / 2 < enough ? bytes / 2 : enough;
    void *probe = zk_os_reserve(room, zk_os_page_bytes());

    if (probe == NULL)
        return false;
    zk_os_release(probe, room);
    return true;
}

void zk_region_is(char *base, size_t bytes)
{
    atomic_store_explicit(&zk_region.base, base, memory_order_relaxed);
    /* Release: pairs with the acquire in zk_region_holds. */
    atomic_store_explicit(&zk_region.bytes, bytes, memory_order_release);
}

static bool try_reserve(size_t slab_bytes, unsigned slabs)
{
    const size_t align = (size_t)2 << 20; /* a huge page, where pages have 4 KiB */
    size_t bytes;
    size_t books_bytes = zk_slab_books_bytes(slab_bytes);
    size_t all_books;
    char *base;
    char *books;

    if (__builtin_mul_overflow(slab_bytes, slabs, &bytes) ||
        __builtin_mul_overflow(books_bytes, slabs, &all_books))
        return false;
    base = zk_os_reserve(bytes, align);
    if (base == NULL)
        return false;
    books = zk_os_reserve(all_books, zk_os_page_bytes());
    if (books == NULL) {
        zk_os_release(base, bytes);
        return false;
    }

    if (!leaves_room(bytes)) {
        zk_os_release(base, bytes);
        zk_os_release(books, all_books);
        return false;
    }

    zk_os_hugepages(base, bytes, zk_settings.hugepage == ZK_HUGEPAGE_ALWAYS);
    zk_region.slab_bytes = slab_bytes;
    zk_region.books = books;
    zk_region.books_bytes = books_bytes;
    for (unsigned i = 0; i < slabs; i++)
        if (!zk_slab_init(zk_region_slab(i), base + i * slab_bytes, slab_bytes,
                          zk_settings.recycle == ZK_RECYCLE_PINNED)) {
            zk_os_release(base, bytes);
            zk_os_release(books, all_books);
            return false;
        }
    zk_region.slabs = slabs;
    zk_region_is(base, bytes);
    return true;
}

void zk_region_forget(void)
{
    zk_region.slabs = 0;
    zk_region.tried = false;
    zk_region_is(NULL, 0);
}

bool zk_region_give_back(size_t bytes)
{
    int saved = errno;
    size_t spare = 0;

    for (unsigned i = 0; i < zk_region.slabs; i++)
        spare += zk_slab_spare_bytes(zk_region_slab(i));
    if (spare == 0 || spare < bytes)
        return false;
    atomic_store(&zk_region.cut, true); /* before the first hole */
    for (unsigned i = 0; i < zk_region.slabs; i++)
        zk_slab_cut(zk_region_slab(i));
    errno = saved;
    return true;
}

bool zk_region_has(const void *p)
{
    const struct slab *slab;

    if (zk_region.slabs == 0) /* the trap's region, which is never cut */
        return true;
    slab = zk_region_slab_of(p);
    return (size_t)((const char *)p - slab->base) <
           atomic_load_explicit(&slab->bytes, memory_order_relaxed); /* as in zk_region_holds */
}

void zk_region_reserve(void)
{
    size_t chunk = zk_chunk_bytes();
    size_t wanted_bytes =
        (zk_observer_slab_bytes(zk_settings.slab_bytes) + chunk - 1) & ~(chunk - 1);
    unsigned wanted = zk_os_cpus() + spare_slabs;
    size_t slab_bytes = wanted_bytes;
    unsigned slabs = wanted;

    if (zk_region.tried)
        return;
    zk_region.tried = true;
    if (wanted_bytes == 0 || zk_system_stands_by())
        return;

    while (slabs > 0 && !try_reserve(slab_bytes, slabs)) {
        if (slab_bytes / 2 >= smallest_slab_bytes)
            slab_bytes = (slab_bytes / 2 + chunk - 1) & ~(chunk - 1);
        else
            slabs /= 2;
    }
    zk_settings.slab_bytes = slabs == 0 ? 0 : slab_bytes;
    if (slabs == 0)
        zk_os_say(
            "address space for %u slabs of %zu MiB refused: no arena, everything comes from system; "
            "raise the limit (ulimit -v, vm.overcommit_memory) or lower ZK_ALLOC_SLAB_GB",
            wanted, wanted_bytes >> 20);
    else if (slab_bytes != wanted_bytes || slabs != wanted)
        zk_os_say("address space for %u slabs of %zu MiB refused: running with %u of %zu MiB; "
                  "raise the limit (ulimit -v, vm.overcommit_memory) or lower ZK_ALLOC_SLAB_GB",
                  wanted, wanted_bytes >> 20, slabs, slab_bytes >> 20);
}
