/*
 * cache.c - a cache of entries of very different sizes, each as likely to be twice as large as not. In each phase some
 * percent of them, chosen at random, are dropped and made anew: so blocks of all ages lie side by side.
 */
#include "lifetime.h"

#include <stdlib.h>

struct entry {
    char *p;
    size_t size;
};

static struct {
    size_t least; /* bytes of an entry */
    unsigned doublings;
} sizes;

static size_t any_size(uint64_t *random)
{
    size_t size = sizes.least << next_random(random) % (sizes.doublings + 1);

    return size + next_random(random) % size;
}

static void replace(struct entry *entry, uint64_t number, uint64_t *random, size_t *live)
{
    block_check(entry->p, entry->size, number);
    free(entry->p);
    *live -= entry->size;
    entry->size = any_size(random);
    entry->p = block_new(entry->size, number);
    *live += entry->size;
    note_live(*live);
}

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    size_t phases = arguments[1];
    struct entry *entries = must_calloc(count, sizeof *entries);
    uint64_t random = 0x9e3779b97f4a7c15;
    size_t live = 0;
    size_t units = 0;

    sizes.least = arguments[3];
    sizes.doublings = (unsigned)arguments[4];
    clock_start();
    for (size_t phase = 0; phase < phases; phase++) {
        if (phase == phases / 2)
            note_settled();
        phase_begin();
        for (size_t i = 0; i < count; i++)
            if (phase == 0 || next_random(&random) % 100 < arguments[2]) {
                replace(&entries[i], i, &random, &live);
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
