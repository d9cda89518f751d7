/*
 * zeroed.c - a large zeroed table of which little is used, allocated and freed many times.
 */
#include "lifetime.h"

#include <stdlib.h>

static const size_t stride = (size_t)1 << 20;

static void run(const size_t *arguments)
{
    size_t size = arguments[0];

    clock_start();
    phase_begin();
    for (size_t round = 0; round < arguments[1]; round++) {
        char *table = must_calloc(1, size);

        for (size_t at = 0; at < size; at += stride) {
            if (table[at] != 0)
                stop_damaged();
            table[at] = 1;
        }
        free(table);
    }
    phase_end();
    clock_stop();
    count_units(arguments[1]);
    note_live(size);
}

const struct lifetime lifetime = {
    .usage =
        "[SIZE [ROUNDS]]: calloc of SIZE bytes, one byte in a MiB written, and free, ROUNDS times",
    .standard = {(size_t)1 << 30, 3},
    .least = {1, 1},
    .most = {(size_t)1 << 36, 1000000},
    .run = run,
};
