/*
 * addresses_taken.c - a program that is linked to a fixed address and takes the addresses of malloc and its family,
 * as compilers and interpreters do. It gets PLT entries of its own, which lead to the library; looking the
 * functions up finds the same entries.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

extern __typeof__(zk_stats) zk_stats __attribute__((weak));
extern __typeof__(zk_owns) zk_owns __attribute__((weak));

/* Volatile, so that the compiler does not see what they are. */
static struct {
    void *(*volatile malloc)(size_t size);
    void *(*volatile calloc)(size_t count, size_t size);
    void *(*volatile realloc)(void *p, size_t size);
    int (*volatile posix_memalign)(void **out, size_t align, size_t size);
    size_t (*volatile usable)(void *p);
    void (*volatile free)(void *p);
} taken = {malloc, calloc, realloc, posix_memalign, malloc_usable_size, free};

static void use_all(size_t size)
{
    char *first = taken.malloc(size);
    char *second = taken.calloc(1, size);
    void *third = NULL;

    if (first == NULL || second == NULL || taken.posix_memalign(&third, 64, size) != 0)
        fail("there is no memory");
    NEED(taken.usable(first) >= size && second[size - 1] == 0);
    fill(first, size, 3);
    first = taken.realloc(first, 3 * size);
    NEED(filled(first, size, 3));
    taken.free(first);
    taken.free(second);
    free(third);
    taken.free(NULL);
    taken.free(strdup("a string"));
}

int main(void)
{
    struct zk_stats stats = {.system = "libc.so"};
    void *block;

    deadline(10);
    for (unsigned round = 0; round < 20; round++) {
        use_all(10);
        NEED(begin_phase() == 0);
        use_all(100);
        use_all(10000);
        block = taken.malloc(20000);
        NEED(zk_owns == NULL || zk_owns(block));
        NEED(end_phase() == 0);
        taken.free(block);
    }
    NEED(zk_stats == NULL || zk_stats(&stats) == 0);
    NEED(stats.system != NULL && strstr(stats.system, "libc.so") != NULL);
    return EXIT_SUCCESS;
}
