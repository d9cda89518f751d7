#include "own_malloc.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct own_header {
    size_t bytes;
    size_t unused; /* keeps what follows aligned */
};

static struct {
    pthread_mutex_t lock;
    size_t used;
    _Alignas(16) char memory[(size_t)64 << 20];
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool own_block(const void *p)
{
    return (uintptr_t)p - (uintptr_t)heap.memory < sizeof heap.memory;
}

EXPORT void *malloc(size_t size)
{
    size_t whole = sizeof(struct own_header) + ((size + 15) & ~(size_t)15);
    struct own_header *header = NULL;

    pthread_mutex_lock(&heap.lock);
    if (size < sizeof heap.memory && whole <= sizeof heap.memory - heap.used) {
        header = (struct own_header *)(void *)(heap.memory + heap.used);
        heap.used += whole;
        header->bytes = size;
    }
    pthread_mutex_unlock(&heap.lock);
    return header == NULL ? NULL : header + 1;
}

EXPORT void free(void *p)
{
    (void)p;
}

EXPORT void *calloc(size_t count, size_t size)
{
    return count != 0 && size > SIZE_MAX / count ? NULL
                                                 : malloc(count * size); /* NOLINT: 0 is a size */
}

EXPORT void *realloc(void *p, size_t size)
{
    void *to = malloc(size);
    size_t old_bytes = p == NULL ? 0 : ((struct own_header *)p - 1)->bytes;

    if (to != NULL && p != NULL)
        memcpy(to, p, old_bytes < size ? old_bytes : size);
    return to;
}

/* Large programs' shims define these too, so that calls by glibc's own names reach them. */
#ifdef OWN_LIBC_NAMES

EXPORT void *__libc_malloc(size_t size);
EXPORT void *__libc_calloc(size_t count, size_t size);
EXPORT void *__libc_realloc(void *p, size_t size);
EXPORT void *__libc_memalign(size_t align, size_t size);
EXPORT void __libc_free(void *p);

void *__libc_malloc(size_t size)
{
    return malloc(size);
}

void *__libc_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void *__libc_realloc(void *p, size_t size)
{
    return realloc(p, size);
}

/* Skips the bytes up to the alignment. */
void *__libc_memalign(size_t align, size_t size)
{
    uintptr_t raw = (uintptr_t)malloc(size + align);

    return raw == 0 ? NULL : (void *)((raw + align - 1) & ~(uintptr_t)(align - 1));
}

void __libc_free(void *p)
{
    free(p);
}

#endif

static void take(void)
{
    pthread_mutex_lock(&heap.lock);
}

static void let_go(void)
{
    pthread_mutex_unlock(&heap.lock);
}

void own_malloc_watch_fork(void)
{
    pthread_atfork(take, let_go, let_go);
}
