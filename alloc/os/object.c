/*
 * object.c - asks the C library, from glibc 2.35 on without taking a lock.
 */
#include "object.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#if defined DLFO_STRUCT_HAS_EH_DBASE

struct zk_object zk_object_at(uintptr_t address)
{
    struct dl_find_object found;

    if (_dl_find_object((void *)address, &found) != 0)
        return (struct zk_object){0};
    return (struct zk_object){.map = found.dlfo_link_map,
                              .start = (uintptr_t)found.dlfo_map_start,
                              .end = (uintptr_t)found.dlfo_map_end,
                              .bias = found.dlfo_link_map->l_addr,
                              .name = found.dlfo_link_map->l_name};
}

#else

struct search {
    uintptr_t address;
    struct zk_object object;
};

/* From its first loaded segment to its last. */
static struct zk_object object_of(const struct dl_phdr_info *info)
{
    struct zk_object object = {.map = info->dlpi_phdr,
                               .start = UINTPTR_MAX,
                               .bias = info->dlpi_addr,
                               .name = info->dlpi_name};

    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        if (start < object.start)
            object.start = start;
        if (start + info->dlpi_phdr[i].p_memsz > object.end)
            object.end = start + info->dlpi_phdr[i].p_memsz;
    }
    return object;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *wanted = arg;
    struct zk_object object = object_of(info);

    (void)size;
    if (wanted->address - object.start < object.end - object.start)
        wanted->object = object;
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

/* The id among the notes of one segment. */
static size_t id_in_notes(const char *at, size_t left, unsigned char id[ZK_BUILD_ID_MAX])
{
    while (left >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        size_t name = ((size_t)note->n_namesz + 3) & ~(size_t)3;
        size_t whole = sizeof *note + name + (((size_t)note->n_descsz + 3) & ~(size_t)3);

        if (whole > left)
            return 0;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof "GNU" &&
            memcmp(at + sizeof *note, "GNU", sizeof "GNU") == 0 &&
            note->n_descsz <= ZK_BUILD_ID_MAX) {
            memcpy(id, at + sizeof *note + name, note->n_descsz);
            return note->n_descsz;
        }
        at += whole;
        left -= whole;
    }
    return 0;
}

size_t zk_object_build_id(const struct zk_object *object, unsigned char id[ZK_BUILD_ID_MAX])
{
    const ElfW(Ehdr) *head = (const void *)object->start;
    const ElfW(Phdr) * parts;
    size_t bytes = 0;

    if (object->map == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_phentsize != sizeof *parts ||
        head->e_phoff + (uintptr_t)head->e_phnum * sizeof *parts > object->end - object->start)
        return 0;
    parts = (const void *)(object->start + head->e_phoff);
    for (int i = 0; i < head->e_phnum && bytes == 0; i++) {
        uintptr_t at = object->bias + parts[i].p_vaddr;

        /* notes aligned to 8 bytes have another layout, and a segment of their own */
        if (parts[i].p_type == PT_NOTE && parts[i].p_align <= 4 && at >= object->start &&
            at < object->end && parts[i].p_memsz <= object->end - at)
            bytes = id_in_notes((const char *)at, parts[i].p_memsz, id);
    }
    return bytes;
}
