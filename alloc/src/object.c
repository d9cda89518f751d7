/*
 * object.c - asks the C library. Where it can say without a lock (glibc 2.35), no lock is taken.
 */
#include "object.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#if defined DLFO_STRUCT_HAS_EH_DBASE

struct zk_object zk_object_at(uintptr_t address)
{
    struct dl_find_object found;

    if (_dl_find_object((void *)address, &found) != 0)
        return (struct zk_object){0};
    return (struct zk_object){.map = found.dlfo_link_map, .start = (uintptr_t)found.dlfo_map_start};
}

#else

struct search {
    uintptr_t address;
    struct zk_object object;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *wanted = arg;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type == PT_LOAD &&
            wanted->address - start < info->dlpi_phdr[i].p_memsz)
            wanted->object = (struct zk_object){.map = info->dlpi_phdr, .start = start};
    }
    return wanted->object.map != NULL;
}

struct zk_object zk_object_at(uintptr_t address)
{
    struct search wanted = {.address = address};

    dl_iterate_phdr(look_at, &wanted);
    return wanted.object;
}

#endif

bool zk_object_is_same(const struct zk_object *object, uintptr_t address)
{
    struct zk_object now = zk_object_at(address);

    return now.map == object->map && now.start == object->start;
}
