/*
 * shrink.c - buffers that are allocated large enough for anything, then shrunk to what was needed,
 * and kept.
 */
#include "lifetime.h"

#include <stdlib.h>

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    size_t large = arguments[1];
    size_t small = arguments[2];
    size_t phase_blocks = (count + arguments[3] - 1) / arguments[3];
    char **kept = must_malloc(count * sizeof *kept);

    if (small > large)
        small = large;
    clock_start();
    for (size_t i = 0; i < count; i++) {
        phase_before(i, phase_blocks);
        kept[i] = must_realloc(block_new(large, i), small);
        phase_behind(i, phase_blocks, count);
    }
    clock_stop();
    note_live(count * small + large);
    for (size_t i = 0; i < count; i++)
        block_check(kept[i], small, i);
}

const struct lifetime lifetime = {
    .usage =
        "[COUNT [LARGE [SMALL [PHASES]]]]: COUNT blocks of LARGE bytes, each cut to SMALL and kept",
    .standard = {1000, (size_t)1 << 20, 100, 5},
    .least = {1, 1, 1, 1},
    .most = {1000000, (size_t)1 << 30, (size_t)1 << 30, 100000},
    .run = run,
};
