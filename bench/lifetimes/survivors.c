/*
 * survivors.c - in every phase one block in so many is kept for ever, and the others are freed.
 * Then, if pairs are asked for, blocks of 1 MiB come and go while the others are kept; only these
 * pairs are timed.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { phase_blocks = 640, block_bytes = 4096, phase_pairs = 200 };

static void make_survivors(char **kept, size_t phases, size_t every)
{
    char *blocks[phase_blocks];

    for (size_t phase = 0; phase < phases; phase++) {
        phase_begin();
        for (size_t i = 0; i < phase_blocks; i++)
            blocks[i] = block_new(block_bytes, phase);
        for (size_t i = 0; i < phase_blocks; i++) {
            if (i % every == every / 2)
                *kept++ = blocks[i];
            else
                free(blocks[i]);
        }
        phase_end();
    }
}

/* Writes one byte of each block, like a program that uses little of it. */
static void make_pairs(size_t pairs)
{
    for (size_t i = 0; i < pairs; i++) {
        char *p;

        phase_before(i, phase_pairs);
        p = must_malloc((size_t)1 << 20);
        *(volatile char *)p = 1;
        free(p);
        phase_behind(i, phase_pairs, pairs);
    }
}

static void run(const size_t *arguments)
{
    size_t phases = arguments[0];
    size_t pairs = arguments[1];
    size_t every = arguments[2];
    size_t each = phase_blocks / every + (phase_blocks % every > every / 2);
    char **kept = must_malloc((phases * each + 1) * sizeof *kept);

    if (pairs == 0)
        clock_start();
    make_survivors(kept, phases, every);
    if (pairs == 0) {
        clock_stop();
        count_units(phases);
    } else {
        clock_start();
        make_pairs(pairs);
        clock_stop();
        count_units(pairs);
    }
    note_live((phases * each + phase_blocks) * block_bytes);
    for (size_t i = 0; i < phases * each; i++)
        block_check(kept[i], block_bytes, i / each);
}

const struct lifetime lifetime = {
    .usage = "[PHASES [PAIRS [EVERY]]]: 640 blocks of 4 KiB in each phase, of which one in EVERY "
             "is kept; then PAIRS of 1 MiB",
    .standard = {1000, 0, 64},
    .least = {1, 0, 1},
    .most = {1000000, 100000000, phase_blocks},
    .run = run,
};
