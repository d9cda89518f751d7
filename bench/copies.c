/*
 * copies.c - libbench_copies.so, for LD_PRELOAD in front of any malloc: how many bytes realloc carries over. A block
 * that stays where it is costs none; one that moves is counted with all that it can take along, the smaller of what
 * the old block could hold and what the new one is asked to. A C library that remaps pages in place of copying them
 * is counted as one that copies: what is told is what a move carries, and no less than what is copied.
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

/* Nothing is ordered by it: it is read when the threads that add to it have met. */
static atomic_uint_least64_t copied;

/* An arena asks what it takes for the C library: its own realloc is below us, and the one that it finds is ours. */
static __thread bool inside;

void *__libc_realloc(void *p, size_t size);

/* The next realloc in the order of libraries. Looked up by each thread that finds none yet: all find the same. */
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
