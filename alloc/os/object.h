/*
 * object.h - which loaded object (program or shared library) an address lies in.
 */
#ifndef ZK_OBJECT_H
#define ZK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zk_object {
    const void *map;  /* the loader's record of it; NULL if the address is in no object */
    uintptr_t start;  /* first byte of the object */
    uintptr_t end;    /* one past its last byte */
    uintptr_t bias;   /* what the loader added to the addresses in the file */
    const char *name; /* as opened; "" is the program. Freed by the loader, with the object */
};

struct zk_object zk_object_at(uintptr_t address);

/* Is the object at address still the one that was found there before? One that was closed and opened again at the
 * same place may look the same. */
bool zk_object_is_same(const struct zk_object *object, uintptr_t address);

enum { ZK_BUILD_ID_MAX = 32 };

/* The object's build id, read from its memory, so the object must still be loaded. Returns the length of
 * the id in bytes, 0 if there is none. */
size_t zk_object_build_id(const struct zk_object *object, unsigned char id[ZK_BUILD_ID_MAX]);

#endif
