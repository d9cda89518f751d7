/*
 * where.h - where a frame lies: in which file, and at which offset. Recorded when the frame is seen, since its
 * object may be closed later, and another one opened at the same addresses.
 */
#ifndef ZK_WHERE_H
#define ZK_WHERE_H

#include <stdint.h>

/* The number of an object that has been seen, and an offset from its load bias, in one word. Number 0 means no
 * object (code generated at run time): then the offset is the address. */
typedef uint64_t zk_where;

static inline uint32_t zk_where_object(zk_where where)
{
    return (uint32_t)(where >> 48);
}

static inline uint64_t zk_where_offset(zk_where where)
{
    return where & ((UINT64_C(1) << 48) - 1);
}

/* Where address lies now. Neither uses the program's malloc nor takes a lock; all callers must hold the same
 * lock. Async-signal-safe if that lock is. */
zk_where zk_where_of(uintptr_t address);

/* For an object number from zk_where_of. The strings stay valid for ever. Any thread. */
const char *zk_where_path(uint32_t object);     /* of the file; "" if unknown */
const char *zk_where_build_id(uint32_t object); /* in hexadecimal; "" if it has none */

#endif
