/*
 * slab_overflow - the C library serves a phase that needs more than a slab holds, and its blocks
 * are counted.
 *
 * A control: no allocation may fail that the C library could have served, and no byte may be handed
 * out twice meanwhile. Slabs of 16 MiB; the phase allocates 24 MiB and uses all of it.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { blocks = 24, block_bytes = 1 << 20, slab_mib = 16 };

static void check_overflow(struct repro_run *run)
{
    struct zk_stats stats;
    struct zk_config config;

    zk_stats(&stats);
    zk_config(&config);
    if (config.min_bytes > block_bytes || stats.slabs == 0) {
        if (stats.overflow_count != 0)
            repro_wrong(run, "overflow is counted, although no block is meant for the arena");
    } else if (stats.overflow_count == 0 ||
               stats.overflow_bytes < stats.overflow_count * block_bytes) {
        repro_wrong(run, "no overflow is counted");
    }
    zk_reset_stats();
}

static void body(struct repro_run *run)
{
    unsigned char *kept[blocks];

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        repro_check(run);
        for (int i = 0; i < blocks; i++) {
            kept[i] = zk_malloc(block_bytes);
            if (kept[i] == NULL)
                abort();
            memset(kept[i], i, block_bytes);
        }
        for (int i = 0; i < blocks; i++) {
            repro_check_bytes(run, "a block differs", kept[i], (unsigned char)i, block_bytes);
            zk_free(kept[i]);
        }
        check_overflow(run);
        repro_end(run);
    }
}

const struct repro repro = {
    .id = "R11",
    .slug = "slab_overflow",
    .class = "control",
    .title = "a full slab overflows to the C library, and is counted",
    .seed = "-",
    .severity = "info",
    .explain =
        "A slab is large (8 GiB of address space by default), but it ends. What a phase needs beyond that\n"
        "comes from the C library: slower, and visible in zk_stats as overflow, but correct.\n"
        "\n"
        "Here slabs are 16 MiB, and every phase allocates 24 blocks of 1 MiB, writes to all of them, and\n"
        "checks that each still holds what was written: a byte that was handed out twice would show. Then\n"
        "the statistics must tell of the overflow; under profile system, where nothing is due to the\n"
        "arena, they must not.\n"
        "\n"
        "It is a control: any outcome but clean is a bug in the allocator.\n",
    .body = body,
    .cycles = 3,
    .slab_bytes = (size_t)slab_mib << 20,
    .expect = {[REPRO_NONE] = REPRO_CLEAN,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
