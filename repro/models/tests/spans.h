/*
 * spans.h - what the tests of the span registry share: a registry, its spans and their extensions.
 */
#ifndef ZK_SPANS_H
#define ZK_SPANS_H

#include "models/span_registry.h"
#include "zkalloc.h"

#include "allocated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 2048, THREADS = 4, ROUNDS = 4000 };

static const struct span_metadata metadata = {.name = "prove", .target = "test"};

static _Atomic unsigned long dropped;

static inline void count_drop(void *value)
{
    (void)value;
    atomic_fetch_add(&dropped, 1);
}

static const struct span_extension_type timings = {.id = 1, .value_bytes = 40, .drop = count_drop};
static const struct span_extension_type fields = {.id = 2, .value_bytes = 24};
static const struct span_extension_type more[2] = {{.id = 3, .value_bytes = 8},
                                                   {.id = 4, .value_bytes = 8}};

static inline struct span_registry *new_registry(void)
{
    struct span_registry *registry = span_registry_create();

    assert_non_null(registry);
    return registry;
}

static inline uint64_t open_span(struct span_registry *registry)
{
    uint64_t id = 0;

    assert_int_equal(span_registry_new_span(registry, &metadata, &id), SPAN_OK);
    assert_true(id != 0);
    return id;
}

static inline uint64_t address_of(uint64_t id)
{
    return (id - 1) & 0x3FFFFFFFFF;
}

#endif
