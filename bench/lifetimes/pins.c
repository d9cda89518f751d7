/*
 * pins.c - one block in the middle of each phase is kept for ever.
 */
#include "lifetime.h"

#include <stdlib.h>

static void run(const size_t *arguments)
{
    size_t phases = arguments[0];
    size_t count = arguments[1];
    size_t size = arguments[2];
    size_t kept_size = arguments[3];
    char **blocks = must_malloc(count * sizeof *blocks);
    char **kept = must_malloc(phases * sizeof *kept);

    clock_start();
    for (size_t phase = 0; phase < phases; phase++) {
        phase_begin();
        for (size_t i = 0; i < count; i++) {
            blocks[i] = block_new(size, i);
            if (i == count / 2)
                kept[phase] = block_new(kept_size, phase);
        }
        for (size_t i = 0; i < count; i++)
            free(blocks[i]);
        phase_end();
    }
    clock_stop();
    count_units(phases);
    note_live(phases * kept_size + count * size);
    for (size_t phase = 0; phase < phases; phase++)
        block_check(kept[phase], kept_size, phase);
}

const struct lifetime lifetime = {
    .usage = "[PHASES [COUNT [SIZE [KEPT]]]]: in each phase, COUNT blocks of SIZE bytes that die, "
             "and one of KEPT that does not",
    .standard = {2000, 60, 16384, 4096},
    .least = {1, 1, 1, 1},
    .most = {1000000, 1000000, (size_t)1 << 30, (size_t)1 << 30},
    .run = run,
};
