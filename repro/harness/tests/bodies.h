/*
 * bodies.h - a descriptor for the harness's own tests: what a repro is, less the story.
 */
#ifndef BODIES_H
#define BODIES_H

#include "repro.h"

#define TEST_REPRO(name, the_body, outcome)                                                        \
    const struct repro repro = {                                                                   \
        .id = "T0",                                                                                \
        .slug = name,                                                                              \
        .class = "harness test",                                                                   \
        .title = name,                                                                             \
        .seed = "-",                                                                               \
        .severity = "info",                                                                        \
        .explain = "A test of the harness.\n",                                                     \
        .body = the_body,                                                                          \
        .expect = {outcome, outcome, outcome, outcome, outcome, outcome},                          \
    }

#endif
