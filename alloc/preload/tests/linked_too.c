/*
 * linked_too.c - linked with libzkalloc.a, and run under libzkalloc-preload.so: one arena and one
 * phase, whatever function allocates a block. With the argument "alone" it runs without the preload
 * library: then malloc knows no phases.
 */
#include "zkalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #condition), exit(1)))

static void *volatile kept; /* so that no pair of calls is optimised away */
static unsigned hooks_run;

static void on_end(void *arg)
{
    hooks_run += *(unsigned *)arg;
}

static void allocate(void *arg)
{
    *(void **)arg = zk_malloc(10000);
}

static void escape(void *arg)
{
    ZK_PHASE_SCOPE();
    (void)arg;
    zk_escape(7);
}

static void check_blocks(bool together)
{
    kept = malloc(10000);
    CHECK(zk_owns(kept) == together);
    CHECK(zk_usable_size(kept) >= 10000);
    kept = zk_realloc(kept, 20000);
    CHECK(zk_owns(kept) == together);
    zk_free(kept);
    kept = zk_calloc(10, 1000);
    CHECK(zk_owns(kept));
    CHECK(((char *)kept)[9999] == 0);
    if (together) { /* the C library's free would not know it */
        void *grown = realloc(kept, 30000);

        CHECK(zk_owns(grown));
        free(grown);
    } else {
        zk_free(kept);
    }
    kept = zk_aligned_alloc(1 << 16, 10000);
    CHECK(zk_owns(kept) && (size_t)kept % (1 << 16) == 0);
    zk_free(kept);
    kept = zk_aligned_calloc(1 << 16, 10, 1000);
    CHECK(zk_owns(kept) && (size_t)kept % (1 << 16) == 0 && ((char *)kept)[9999] == 0);
    kept = zk_realloc_sized(kept, 10000, 64, 50000);
    CHECK(zk_owns(kept));
    zk_free_sized(kept, 50000);
}

static void check_phases(void)
{
    struct zk_stats stats;
    unsigned one = 1;
    void *block = NULL;

    CHECK(zk_on_phase_end(on_end, &one) == 0);
    CHECK(zk_phase(allocate, &block) == 0);
    CHECK(hooks_run == 1 && zk_owns(block));
    zk_free(block);
    CHECK(zk_catch(escape, NULL) == 7);
    CHECK(hooks_run == 2);
    {
        ZK_PHASE_SCOPE();
        CHECK(zk_begin_phase() == -1 && errno == EBUSY);
    }
    CHECK(hooks_run == 3);
    CHECK(zk_end_phase() == -1 && errno == EINVAL);
    CHECK(zk_stats(&stats) == 0 && stats.phases == 4 && stats.arena_count > 0);
}

int main(int argc, char **argv)
{
    bool together = argc < 2 || strcmp(argv[1], "alone") != 0;
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    config.min_bytes = 8192;
    CHECK(zk_configure(&config) == 0);
    CHECK(zk_begin_phase() == 0);
    check_blocks(together);
    CHECK(zk_end_phase() == 0);
    check_phases();
    return 0;
}
