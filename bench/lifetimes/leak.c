/*
 * leak.c - a program that leaks slowly: one in so many of its blocks, of any size, is never freed.
 * The program remembers the leaked blocks, and checks them at the end.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { phase_blocks = 200 };

static void run(const size_t *arguments)
{
    size_t phases = arguments[0];
    size_t every = arguments[1];
    struct block *lost = must_malloc((phases * phase_blocks / every + 1) * sizeof *lost);
    size_t lost_count = 0;
    size_t lost_bytes = 0;
    uint64_t random = 0x9e3779b97f4a7c15;

    clock_start();
    for (size_t phase = 0; phase < phases; phase++) {
        char *blocks[phase_blocks];
        size_t live = 0;

        phase_begin();
        for (size_t i = 0; i < phase_blocks; i++) {
            size_t size = random_size(&random, 16, 10);

            live += size;
            blocks[i] = block_new(size, lost_count);
            if ((phase * phase_blocks + i) % every == every - 1) {
                lost[lost_count++] = (struct block){blocks[i], size};
                lost_bytes += size;
                blocks[i] = NULL;
            }
        }
        note_live(live + lost_bytes);
        for (size_t i = 0; i < phase_blocks; i++)
            free(blocks[i]);
        phase_end();
    }
    clock_stop();
    count_units(phases);
    for (size_t i = 0; i < lost_count; i++)
        block_check(lost[i].p, lost[i].size, i);
}

const struct lifetime lifetime = {
    .usage = "[PHASES [EVERY]]: 200 blocks of 16 bytes to 32 KiB in each of PHASES, and one in "
             "EVERY is never freed",
    .standard = {5000, 500},
    .least = {1, 1},
    .most = {1000000, 1000000000},
    .run = run,
};
