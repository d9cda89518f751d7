/*
 * sparse.c - small blocks are kept for ever, and between any two of them thousands of others come
 * and go: all in one phase, or a phase for every so many of them.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { kept_bytes = 16, temporary_bytes = 64, at_once = 64 };

static void make_temporaries(size_t count)
{
    char *blocks[at_once];

    for (; count >= at_once; count -= at_once) {
        for (size_t i = 0; i < at_once; i++)
            blocks[i] = block_new(temporary_bytes, i);
        for (size_t i = 0; i < at_once; i++)
            free(blocks[i]);
    }
}

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    size_t temporaries = arguments[1];
    size_t phase_kept = arguments[2] > 0 ? arguments[2] : count;
    char **kept = must_malloc(count * sizeof *kept);

    clock_start();
    for (size_t i = 0; i < count; i++) {
        phase_before(i, phase_kept);
        kept[i] = block_new(kept_bytes, i);
        make_temporaries(temporaries);
        phase_behind(i, phase_kept, count);
    }
    clock_stop();
    count_units(count);
    note_live(count * kept_bytes + at_once * temporary_bytes);
    for (size_t i = 0; i < count; i++)
        block_check(kept[i], kept_bytes, i);
}

const struct lifetime lifetime = {
    .usage = "[COUNT [TEMPORARIES [EVERY]]]: COUNT blocks of 16 bytes are kept, with TEMPORARIES "
             "of 64 between them; a phase for EVERY (0: one in all)",
    .standard = {8000, 4096, 0},
    .least = {1, 0, 0},
    .most = {10000000, 10000000, 10000000},
    .run = run,
};
