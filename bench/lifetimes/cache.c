/*
 * cache.c - a cache of entries of very different sizes, each as likely to be twice as large as not. In each phase some
 * percent of them, chosen at random, are dropped and made anew: so blocks of all ages lie side by side.
 */
#include "lifetime.h"

#include <stdlib.h>

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    size_t phases = arguments[1];
    struct block *entries = must_calloc(count, sizeof *entries);
    uint64_t random = 0x9e3779b97f4a7c15;
    size_t live = 0;
    size_t units = 0;

    clock_start();
    for (size_t phase = 0; phase < phases; phase++) {
        if (phase == phases / 2)
            note_settled();
        phase_begin();
        for (size_t i = 0; i < count; i++)
            if (phase == 0 || next_random(&random) % 100 < arguments[2]) {
                size_t size = random_size(&random, arguments[3], (unsigned)arguments[4]);

                block_replace(&entries[i], size, i, &live);
                units++;
            }
        phase_end();
    }
    clock_stop();
    count_units(units);
    for (size_t i = 0; i < count; i++)
        block_check(entries[i].p, entries[i].size, i);
}

const struct lifetime lifetime = {
    .usage =
        "[COUNT [PHASES [PERCENT [LEAST [DOUBLINGS]]]]]: COUNT entries of LEAST bytes, doubled at random up to "
        "DOUBLINGS times, of which PERCENT are replaced in each of PHASES",
    .standard = {10000, 60, 10, 16, 12},
    .least = {1, 1, 0, 1, 0},
    .most = {100000000, 1000000, 100, (size_t)1 << 20, 16},
    .run = run,
};
