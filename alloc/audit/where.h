/*
 * where.h - where a frame lies: in which file, and how far into it. Written down when the frame is seen, for its
 * object may be closed later, and another one opened at the same addresses.
 */
#ifndef ZK_WHERE_H
#define ZK_WHERE_H

#include <stdint.h>

/* A number of an object that has been seen, and an offset from the object's load bias, in one word. Number 0 is no
 * object (code that was made at run time): then the offset is the address. */
typedef uint64_t zk_where;

static inline uint32_t zk_where_object(zk_where where)
{
    return (uint32_t)(where >> 48);
}

static inline uint64_t zk_where_offset(zk_where where)
{
    return where & ((UINT64_C(1) << 48) - 1);
}

/* Where address lies now. Asks neither for memory of the program's nor for a lock; the caller has one that all
 * callers share. Signal-safe, as far as that lock is. */
zk_where zk_where_of(uintptr_t address);

/* Of a number that zk_where_of gave. What they point to stays. Any thread. */
const char *zk_where_path(uint32_t object);     /* of the file; "" if it is not known */
const char *zk_where_build_id(uint32_t object); /* in hexadecimal; "" if it has none */

#endif
