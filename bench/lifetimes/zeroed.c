/*
 * zeroed.c - large zeroed tables of which little is used, allocated and freed many times.
 */
#include "lifetime.h"

#include <stdlib.h>

static const size_t stride = (size_t)1 << 20;

enum { count_most = 1024 };

static char *table_new(size_t size)
{
    char *table = must_calloc(1, size);

    for (size_t at = 0; at < size; at += stride) {
        if (table[at] != 0)
            stop_damaged();
        table[at] = 1;
    }
    return table;
}

static void run(const size_t *arguments)
{
    size_t size = arguments[0];
    size_t count = arguments[2];
    char *tables[count_most];

    clock_start();
    phase_begin();
    for (size_t round = 0; round < arguments[1]; round++) {
        for (size_t i = 0; i < count; i++)
            tables[i] = table_new(size);
        for (size_t i = 0; i < count; i++)
            free(tables[i]);
    }
    phase_end();
    clock_stop();
    count_units(arguments[1] * count);
    note_live(size * count);
}

const struct lifetime lifetime = {
    .usage =
        "[SIZE [ROUNDS [COUNT]]]: COUNT callocs of SIZE bytes, a byte in a MiB written, and frees, ROUNDS times",
    .standard = {(size_t)1 << 30, 3, 1},
    .least = {1, 1, 1},
    .most = {(size_t)1 << 36, 1000000, count_most},
    .run = run,
};
