/*
 * watch.c - passes on what a prover reports.
 */
#include "watch.h"

static const struct watcher *watching;

void watch_set(const struct watcher *watcher)
{
    watching = watcher;
}

void watch_block(enum watch_kind kind, void *block, size_t bytes)
{
    if (watching != NULL)
        watching->block(kind, block, bytes);
}

void watch_gone(const void *block)
{
    if (watching != NULL)
        watching->gone(block);
}

void watch_moment(enum watch_moment moment, void *context)
{
    if (watching != NULL)
        watching->moment(moment, context);
}
