/*
 * churn.c - a set of small live blocks, of which two in three, chosen at random, are replaced in
 * each round. It has no phases of its own; ZK_ALLOC_CHAOS can add them.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { temporaries = 3, temporary_most = 512 };

static struct {
    size_t least; /* bytes of a block */
    size_t most;
} sizes;

static void replace(struct block *entry, uint64_t number, uint64_t *random, size_t *live)
{
    size_t size = sizes.least + next_random(random) % (sizes.most - sizes.least + 1);

    block_replace(entry, size, number, live);
    for (size_t i = 0; i < temporaries; i++)
        free(block_new(1 + next_random(random) % temporary_most, i));
}

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    size_t rounds = arguments[1];
    size_t every = arguments[2];
    struct block *entries = must_calloc(count, sizeof *entries);
    uint64_t random = 0x9e3779b97f4a7c15;
    size_t live = 0;

    sizes.least = arguments[3];
    sizes.most = arguments[4] > arguments[3] ? arguments[4] : arguments[3];
    clock_start();
    for (size_t i = 0; i < count; i++)
        replace(&entries[i], i, &random, &live);
    for (size_t round = 0; round < rounds; round++) {
        if (round == rounds / 4)
            note_settled();
        for (size_t i = 0; i < count * 2 / 3; i++) {
            size_t chosen = next_random(&random) % count;

            if (every == 0 || chosen % every != 0)
                replace(&entries[chosen], chosen, &random, &live);
        }
    }
    clock_stop();
    count_units(rounds * (count * 2 / 3));
    for (size_t i = 0; i < count; i++)
        block_check(entries[i].p, entries[i].size, i);
}

const struct lifetime lifetime = {
    .usage = "[COUNT [ROUNDS [EVERY [LEAST [MOST]]]]]: COUNT live blocks of LEAST to MOST bytes, 2 "
             "in 3 replaced in each round, one in EVERY never (0: all may be)",
    .standard = {100000, 40, 0, 40, 399},
    .least = {2, 1, 0, 1, 1},
    .most = {100000000, 1000000, 100000000, (size_t)1 << 30, (size_t)1 << 30},
    .run = run,
};
