/* A body whose kept block is damaged in two places, as declared: 17 bytes of which only the last
 * has a known value, and one bit. With --wrong, the damage differs from what is declared. */
#include "bodies.h"

#include <string.h>

enum wrong { NOTHING, LONGER, SHORTER, ELSEWHERE, BIT, MORE, FEWER };

static const char *const wrongs[] = {"nothing", "longer", "shorter", "elsewhere",
                                     "bit",     "more",   "fewer",   NULL};

static void write_into(unsigned char *kept, enum wrong wrong)
{
    size_t at = wrong == ELSEWHERE ? 101 : 100;

    memset(kept + at, 2, 16);
    kept[at + 16] |= wrong == BIT ? 4 | 1 : 1;
    if (wrong == LONGER)
        kept[at + 17] = 3;
    if (wrong == SHORTER)
        kept[at] = REPRO_FILLER & 0xFF;
    if (wrong == MORE)
        kept[400] = 4;
    if (wrong != FEWER)
        kept[300] |= 1;
}

static void body(struct repro_run *run)
{
    unsigned char *kept = NULL;

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (kept == NULL)
            kept = zk_malloc(1000);
        else /* as declared until the last cycle */
            write_into(kept, phase == repro_cycles(run) ? (enum wrong)repro_option(run, "wrong")
                                                        : NOTHING);
        repro_end(run);
    }
}

static size_t damage(const struct repro_run *run, unsigned cycle, struct repro_damage *runs)
{
    (void)run, (void)cycle;
    runs[0] = (struct repro_damage){.offset = 100, .bytes = 17, .known = 1, .last = {0xAB}};
    runs[1] = (struct repro_damage){.offset = 300, .bytes = 1, .known = 1, .last = {0xAB}};
    return 2;
}

static const struct repro_option options[] = {{"wrong", "is written", NOTHING, 0, 0, wrongs}, {0}};

TEST_REPRO_WITH("body_damage", body, .damage = damage, .options = options,
                .expect = {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN,
                           REPRO_CLEAN});
