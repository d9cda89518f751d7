/*
 * span_thread.h - the numbers by which a span registry tells threads apart: private to its files.
 *
 * No two live threads have the same number. New threads get the numbers of ended ones.
 */
#ifndef SPAN_THREAD_H
#define SPAN_THREAD_H

#include "span_registry.h"

enum { SPAN_THREAD_NONE = SPAN_REGISTRY_THREADS };

/* The calling thread's number, given at its first call; SPAN_THREAD_NONE when there are too many
 * threads. */
unsigned span_thread_mine(void);

#endif
