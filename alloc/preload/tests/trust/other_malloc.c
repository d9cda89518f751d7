/*
 * other_malloc.c - a program with another malloc in it: linked, or preloaded after ours. What the arena does not
 * serve comes from that malloc, whatever function is called. Argument: a part of the name of its library.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern __typeof__(zk_stats) zk_stats __attribute__((weak));

enum { threads = 4, rounds = 30, blocks = 40 };

static pthread_barrier_t boundary;

/* Allocates in one of five ways. */
static void *obtain(unsigned way, size_t bytes)
{
    void *block = NULL;

    switch (way % 5) {
    case 0:
        return malloc(bytes);
    case 1:
        return call.calloc(1, bytes);
    case 2:
        return realloc(malloc(1 + bytes / 2), bytes);
    case 3:
        NEED(posix_memalign(&block, 256, bytes) == 0 && (uintptr_t)block % 256 == 0);
        return block;
    default:
        block = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
        NEED((uintptr_t)block % 64 == 0);
        return block;
    }
}

struct kept {
    void *block[blocks];
    size_t bytes[blocks];
};

/* Resizes and frees the blocks of the last round, which was in a phase if this one is not. */
static void resize_and_free(struct kept *kept, unsigned key)
{
    for (unsigned i = 0; i < blocks; i++) {
        void *block = kept->block[i];
        size_t bytes = kept->bytes[i];

        if (block == NULL)
            continue;
        NEED(malloc_usable_size(block) >= bytes && filled(block, bytes, key));
        if (i % 2 == 0) {
            block = call.realloc(block, bytes * 3);
            NEED(malloc_usable_size(block) >= bytes * 3 && filled(block, bytes, key));
        }
        free(block);
        kept->block[i] = NULL;
    }
}

static void *work(void *number)
{
    unsigned key = (unsigned)(size_t)number;
    struct kept kept = {0};

    for (unsigned round = 0; round < rounds; round++) {
        pthread_barrier_wait(&boundary);
        resize_and_free(&kept, key);
        for (unsigned i = 0; i < blocks; i++) {
            kept.bytes[i] = 1 + (round * 977 + i * 331 + key * 53) % 12000;
            kept.block[i] = obtain(round + i, kept.bytes[i]);
            NEED(kept.block[i] != NULL);
            fill(kept.block[i], kept.bytes[i], key);
        }
        pthread_barrier_wait(&boundary);
    }
    resize_and_free(&kept, key);
    return NULL;
}

static void check_name(const char *part)
{
    struct zk_stats stats = {0};

    if (zk_stats == NULL)
        return;
    NEED(zk_stats(&stats) == 0);
    if (stats.system == NULL || strstr(stats.system, part) == NULL)
        fail("system is %s, and should be %s", stats.system == NULL ? "?" : stats.system, part);
}

int main(int argc, char **argv)
{
    pthread_t thread[threads];

    deadline(10);
    NEED(argc == 2);
    NEED(pthread_barrier_init(&boundary, NULL, threads + 1) == 0);
    for (size_t i = 0; i < threads; i++)
        NEED(pthread_create(&thread[i], NULL, work, (void *)(i + 1)) == 0);
    for (unsigned round = 0; round < rounds; round++) {
        NEED((round % 2 == 0 ? begin_phase() : end_phase()) == 0);
        pthread_barrier_wait(&boundary);
        pthread_barrier_wait(&boundary);
    }
    for (unsigned i = 0; i < threads; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
    check_name(argv[1]);
    return EXIT_SUCCESS;
}
