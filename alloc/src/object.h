/*
 * object.h - which loaded object (program or shared library) an address lies in.
 */
#ifndef ZK_OBJECT_H
#define ZK_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

struct zk_object {
    const void *map; /* the loader's record of it; NULL: in none */
    uintptr_t start; /* of the object */
};

struct zk_object zk_object_at(uintptr_t address);

/* Is the object at address the one that was found there before? The same one again, closed and opened at the same
 * place, may look the same. */
bool zk_object_is_same(const struct zk_object *object, uintptr_t address);

#endif
