/*
 * library.c - a library that allocates whenever the loader or a fork lets it. Linked into malloc_life, it
 * starts before any preloaded library, so its fork handlers run inside that library's. Opened by
 * malloc_life, it comes and goes.
 */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

__attribute__((visibility("default"))) void *library_block(size_t size);
__attribute__((visibility("default"))) unsigned library_forks(void);

enum { own_bytes = 3000 };

static char *own;      /* made by the constructor, freed by the destructor */
static char *prepared; /* made before a fork, freed after it, on both sides */
static unsigned forks;
static _Thread_local char *of_thread;

/* Aborts, since the program does not see this library's checks. */
static void need(bool holds)
{
    if (!holds)
        abort();
}

static void prepare(void)
{
    prepared = call.malloc(5000);
    fill(prepared, 5000, 11);
    free(call.calloc(1, 100));
    of_thread = call.realloc(of_thread, 6000);
}

static void after(void)
{
    char *more = call.malloc(7000);

    need(filled(prepared, 5000, 11));
    free(prepared);
    fill(more, 7000, 12);
    need(filled(more, 7000, 12));
    free(more);
    free(of_thread);
    of_thread = NULL;
    forks++;
}

__attribute__((constructor)) static void load(void)
{
    own = call.malloc(own_bytes);
    fill(own, own_bytes, 10);
    pthread_atfork(prepare, after, after);
}

__attribute__((destructor)) static void unload(void)
{
    need(filled(own, own_bytes, 10));
    free(own);
}

void *library_block(size_t size)
{
    return call.malloc(size);
}

unsigned library_forks(void)
{
    return forks;
}
