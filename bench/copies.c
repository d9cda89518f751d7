/*
 * copies.c - libbench_copies.so, for LD_PRELOAD before any malloc: counts the bytes that realloc
 * copies. A block that stays in place costs none; one that moves counts with the smaller of the old
 * block's usable size and the requested new size. A C library that remaps pages instead of copying
 * them is counted as one that copies: the count is what moves carry over, and so an upper limit of
 * what is copied.
 *
 * bench/provers/counters.c finds the count by its name.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT uint64_t bench_copied_bytes(void);

/* Relaxed: it orders nothing, and is read after the threads that add to it have synchronised. */
static atomic_uint_least64_t copied;

/* Set inside of a realloc: an arena below us that calls the C library's realloc finds ours. */
static __thread bool inside;

void *__libc_realloc(void *p, size_t size);

/* The next realloc in the order of libraries. Several threads may look it up at the same time: all
 * find the same. */
static void *next_realloc(void *p, size_t size)
{
    static void *(*_Atomic next)(void *, size_t);
    void *(*found)(void *, size_t) = atomic_load_explicit(&next, memory_order_relaxed);

    if (found == NULL) {
        *(void **)&found = dlsym(RTLD_NEXT, "realloc");
        if (found == NULL)
            abort();
        atomic_store_explicit(&next, found, memory_order_relaxed);
    }
    return found(p, size);
}

static void *counted_realloc(void *p, size_t size)
{
    size_t held = p != NULL ? malloc_usable_size(p) : 0;
    uintptr_t before = (uintptr_t)p;
    void *now = next_realloc(p, size);

    if (now != NULL && (uintptr_t)now != before)
        atomic_fetch_add_explicit(&copied, held < size ? held : size, memory_order_relaxed);
    return now;
}

EXPORT void *realloc(void *p, size_t size)
{
    void *now;

    if (inside)
        return __libc_realloc(p, size);
    inside = true;
    now = counted_realloc(p, size);
    inside = false;
    return now;
}

uint64_t bench_copied_bytes(void)
{
    return atomic_load_explicit(&copied, memory_order_relaxed);
}
