/*
 * bodies.h - a descriptor for the harness's own tests: a repro without the explanations.
 */
#ifndef BODIES_H
#define BODIES_H

#include "repro.h"

/* The arguments after the body are further fields of the descriptor. */
#define TEST_REPRO_WITH(name, the_body, ...)                                                       \
    const struct repro repro = {                                                                   \
        .id = "T0",                                                                                \
        .slug = name,                                                                              \
        .class = "harness test",                                                                   \
        .title = name,                                                                             \
        .seed = "-",                                                                               \
        .severity = "info",                                                                        \
        .explain = "A test of the harness.\n",                                                     \
        .body = the_body,                                                                          \
        __VA_ARGS__,                                                                               \
    }

/* The same outcome in every profile. */
#define TEST_REPRO(name, the_body, outcome)                                                        \
    TEST_REPRO_WITH(name, the_body,                                                                \
                    .expect = {outcome, outcome, outcome, outcome, outcome, outcome})

#endif
