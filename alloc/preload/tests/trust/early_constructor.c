/*
 * early_constructor.c - constructors of a program that is linked with zkalloc begin phases and allocate, before
 * those of zkalloc itself have run. Under the preload library there is one arena from the first call on: their
 * blocks are freed on another thread, and resized in main.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

enum { block_bytes = 8192 };

struct early {
    void *zk;      /* by zk_malloc */
    void *zk_more; /* likewise */
    void *plain;   /* by malloc */
};

static struct early very_early;
static struct early early;

static void *made(void *block)
{
    fill(block, block_bytes, 1);
    return block;
}

static struct early make(void)
{
    struct early blocks;

    NEED(zk_begin_phase() == 0);
    blocks.zk = made(zk_malloc(block_bytes));
    blocks.zk_more = made(zk_malloc(block_bytes));
    blocks.plain = made(malloc(block_bytes));
    NEED(zk_end_phase() == 0);
    return blocks;
}

__attribute__((constructor(101))) static void load_very_early(void)
{
    very_early = make();
}

__attribute__((constructor)) static void load(void)
{
    early = make();
}

static void *free_blocks(void *blocks)
{
    struct early *freed = blocks;

    NEED(filled(freed->zk, block_bytes, 1));
    zk_free(freed->zk);
    free(freed->plain);
    return NULL;
}

static void use(struct early *blocks, bool together)
{
    pthread_t thread;

    NEED(zk_owns(blocks->zk) && zk_owns(blocks->zk_more));
    NEED(zk_owns(blocks->plain) == together);
    NEED(zk_usable_size(blocks->zk_more) >= block_bytes);
    NEED(pthread_create(&thread, NULL, free_blocks, blocks) == 0);
    NEED(pthread_join(thread, NULL) == 0);
    blocks->zk_more =
        together ? realloc(blocks->zk_more, 20000) : zk_realloc(blocks->zk_more, 20000);
    NEED(filled(blocks->zk_more, block_bytes, 1));
    zk_free(blocks->zk_more);
}

int main(void)
{
    bool together = dlsym(RTLD_DEFAULT, "zk_begin_phase") != NULL; /* the preload library's */
    struct zk_stats stats;

    deadline(10);
    NEED(zk_stats(&stats) == 0 && stats.phases == 2);
    use(&very_early, together);
    use(&early, together);
    NEED(zk_begin_phase() == 0);
    NEED(zk_stats(&stats) == 0 && stats.phases == 3 && stats.retained_count == 0);
    NEED(zk_end_phase() == 0);
    return EXIT_SUCCESS;
}
