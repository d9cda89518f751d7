/*
 * server.c - a store of keys and values, as a server keeps it in memory: each round replaces as
 * many random keys as there are keys; a request and its answer are short-lived. It has no phases of
 * its own; ZK_ALLOC_CHAOS can add them.
 */
#include "lifetime.h"

#include <stdlib.h>

struct entry {
    char *key;
    char *value;
    size_t key_size;
    size_t value_size;
    uint64_t number;
};

/* Mostly small, some of a few KiB, few of 16. */
static size_t value_size(uint64_t *random)
{
    uint64_t kind = next_random(random) % 100;

    if (kind < 80)
        return 8 + next_random(random) % 248;
    if (kind < 99)
        return 256 + next_random(random) % 1792;
    return 2048 + next_random(random) % 14336;
}

static void drop(struct entry *entry)
{
    block_check(entry->key, entry->key_size, entry->number);
    block_check(entry->value, entry->value_size, entry->number);
    free(entry->key);
    free(entry->value);
    free(entry);
}

static struct entry *make(uint64_t number, uint64_t *random)
{
    struct entry *entry = must_malloc(sizeof *entry);

    entry->key_size = 12 + next_random(random) % 28;
    entry->value_size = value_size(random);
    entry->number = number;
    entry->key = block_new(entry->key_size, number);
    entry->value = block_new(entry->value_size, number);
    return entry;
}

static size_t size_of(const struct entry *entry)
{
    return entry->key_size + entry->value_size + sizeof *entry;
}

/* Handles a request: allocates it and its answer, and replaces the entry. */
static void serve(struct entry **place, uint64_t number, uint64_t *random, size_t *live)
{
    size_t request_size = 64 + next_random(random) % 1024;
    char *request = block_new(request_size, number);
    struct entry *entry = make(number, random);
    size_t answer_size = 32 + next_random(random) % 256;
    char *answer;

    if (*place != NULL) {
        *live -= size_of(*place);
        drop(*place);
    }
    *place = entry;
    *live += size_of(entry);
    note_live(*live);
    answer = block_new(answer_size, number);
    block_check(request, request_size, number);
    free(request);
    free(answer);
}

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    struct entry **entries = must_calloc(count, sizeof(struct entry *));
    uint64_t random = 0x9e3779b97f4a7c15;
    uint64_t number = 0;
    size_t live = 0;

    clock_start();
    for (size_t i = 0; i < count; i++)
        serve(&entries[i], number++, &random, &live);
    for (size_t round = 0; round < arguments[1]; round++) {
        if (round == (arguments[1] + 1) / 2)
            note_settled();
        for (size_t i = 0; i < count; i++)
            serve(&entries[next_random(&random) % count], number++, &random, &live);
    }
    clock_stop();
    count_units(number);
    for (size_t i = 0; i < count; i++)
        block_check(entries[i]->value, entries[i]->value_size, entries[i]->number);
}

const struct lifetime lifetime = {
    .usage =
        "[KEYS [ROUNDS]]: KEYS keys with a value each, as many of them replaced in each of ROUNDS",
    .standard = {100000, 8},
    .least = {1, 1},
    .most = {100000000, 1000000},
    .run = run,
};
