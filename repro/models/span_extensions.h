/*
 * span_extensions.h - what layers store with a span: a map of type to box, behind a lock. Private
 * to the span registry's files.
 *
 * The map owns its boxes. Clearing ends them all, and keeps the map's block for the next span.
 * Flags are uint8_t and not bool, because an overwritten one may hold any byte.
 */
#ifndef SPAN_EXTENSIONS_H
#define SPAN_EXTENSIONS_H

#include "span_registry.h"
#include "swiss_table.h"

#include <stdatomic.h>

/* RwLock of a span's extensions. */
struct span_extensions_lock {
    _Atomic uint32_t state;  /* readers, or all ones for a writer; two flags for waiters */
    uint32_t writers_notify; /* only for the size: here, a thread waits by yielding */
    uint8_t poisoned;        /* a thread panicked while it held the lock */
};

struct span_extensions {
    struct span_extensions_lock lock;
    struct swiss_table values; /* by type */
};

/* No values, and no block. */
void span_extensions_init(struct span_extensions *extensions);

/* Ends all values, and frees the map's block. No other thread may use it any more. */
void span_extensions_deinit(struct span_extensions *extensions);

/* Ends all values, and keeps the map's block for the next span of the slot. Takes no lock: nobody
 * else uses the span. */
void span_extensions_clear(struct span_extensions *extensions);

/* See span_registry_insert_extension and span_registry_get_extension. Any thread. */
enum span_status span_extensions_insert(struct span_extensions *extensions,
                                        const struct span_extension_type *type, const void *value);
enum span_status span_extensions_get(struct span_extensions *extensions,
                                     const struct span_extension_type *type, void *value);

/* Bytes of the map's block; 0 when there is none. */
size_t span_extensions_bytes(const struct span_extensions *extensions);

#endif
