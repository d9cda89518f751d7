/*
 * grow.c - a buffer that realloc grows by the same step each time, as a reader does that does not
 * know the size of its input.
 */
#include "lifetime.h"

#include <stdlib.h>

static void run(const size_t *arguments)
{
    size_t step = arguments[0];
    size_t size = 0;
    char *buffer = NULL;

    clock_start();
    phase_begin();
    while (size < arguments[1]) {
        buffer = must_realloc(buffer, size + step);
        block_fill(buffer + size, step, size / step);
        size += step;
    }
    note_live(size);
    for (size_t at = 0; at < size; at += step)
        block_check(buffer + at, step < 64 ? step : 64, at / step);
    free(buffer);
    phase_end();
    clock_stop();
}

const struct lifetime lifetime = {
    .usage = "[STEP [UPTO]]: a buffer that grows by STEP bytes at a time to UPTO",
    .standard = {8192, 20000000},
    .least = {1, 1},
    .most = {(size_t)1 << 30, (size_t)1 << 36},
    .run = run,
};
