/*
 * object.h - which loaded object (program or shared library) an address lies in.
 */
#ifndef ZK_OBJECT_H
#define ZK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zk_object {
    const void *map; /* the loader's record of it; NULL: in none */
    uintptr_t start; /* of the object */
    uintptr_t end;   /* of its last byte, plus 1 */
    uintptr_t bias;  /* what the loader added to the addresses in the file */
    const char *
        name; /* as it was opened; "" is the program itself. The loader's: gone when the object is */
};

struct zk_object zk_object_at(uintptr_t address);

/* Is the object at address the one that was found there before? The same one again, closed and opened at the same
 * place, may look the same. */
bool zk_object_is_same(const struct zk_object *object, uintptr_t address);

enum { ZK_BUILD_ID_MAX = 32 };

/* The object's build id, read from its memory, which must be there; returns its bytes, 0 if it has none. */
size_t zk_object_build_id(const struct zk_object *object, unsigned char id[ZK_BUILD_ID_MAX]);

#endif
