/*
 * warm.c - the same amount of memory in every phase: what is used each time should stay resident.
 */
#include "lifetime.h"

#include <stdlib.h>

static const size_t block_bytes = 65536;

static void run(const size_t *arguments)
{
    size_t count = (arguments[0] << 20) / block_bytes;
    char **blocks = must_malloc(count * sizeof *blocks);

    note_live(arguments[0] << 20);
    clock_start();
    for (size_t phase = 0; phase < arguments[1]; phase++) {
        phase_begin();
        for (size_t i = 0; i < count; i++)
            blocks[i] = block_new(block_bytes, phase + i);
        for (size_t i = 0; i < count; i++) {
            block_check(blocks[i], 64, phase + i);
            free(blocks[i]);
        }
        phase_end();
    }
    clock_stop();
    count_units(arguments[1]);
}

const struct lifetime lifetime = {
    .usage = "[MIB [PHASES]]: MIB MiB in blocks of 64 KiB, written and freed in each of PHASES",
    .standard = {64, 100},
    .least = {1, 1},
    .most = {65536, 1000000},
    .run = run,
};
