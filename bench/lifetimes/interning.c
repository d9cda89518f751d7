/*
 * interning.c - a table of unique strings that grows over the phases: a string that is looked up
 * lives briefly, a new one is kept for ever, and a table that is half full is replaced by one of
 * twice the size.
 */
#include "lifetime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { text_most = 64 };

static struct {
    char **places;
    size_t room; /* a power of two */
    size_t count;
    size_t text_bytes;
} table;

static size_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

/* The place of text, or the place where it belongs. */
static char **find(char **places, size_t room, const char *text)
{
    size_t at = hash_of(text) & (room - 1);

    while (places[at] != NULL && strcmp(places[at], text) != 0)
        at = (at + 1) & (room - 1);
    return &places[at];
}

static void grow_table(void)
{
    size_t room = table.room > 0 ? table.room * 2 : 1024;
    char **places = must_calloc(room, sizeof *places);

    for (size_t i = 0; i < table.room; i++)
        if (table.places[i] != NULL)
            *find(places, room, table.places[i]) = table.places[i];
    note_live(table.text_bytes + (room + table.room) * sizeof *places);
    free(table.places);
    table.places = places;
    table.room = room;
}

static void intern(const char *text)
{
    size_t size = strlen(text) + 1;
    char **place;

    if (2 * table.count >= table.room)
        grow_table();
    place = find(table.places, table.room, text);
    if (*place != NULL)
        return;
    *place = must_malloc(size);
    memcpy(*place, text, size);
    table.text_bytes += size;
    table.count++;
}

/* The text number n, as a block that the caller frees. */
static char *spell(uint64_t n)
{
    static const char *const words[] = {"lemma", "x", "constraint_column", "of",
                                        "a_rather_long_name_of_something"};
    char *text = must_malloc(text_most);

    snprintf(text, text_most, "%s_%llu", words[n % 5], (unsigned long long)n);
    return text;
}

static void run(const size_t *arguments)
{
    size_t lookups = arguments[1];
    uint64_t random = 0x9e3779b97f4a7c15;
    uint64_t known = 1;

    clock_start();
    for (size_t phase = 0; phase < arguments[0]; phase++) {
        phase_begin();
        for (size_t i = 0; i < lookups; i++) {
            char *text;

            /* One in ten is new. */
            if (next_random(&random) % 10 == 0)
                text = spell(known++);
            else
                text = spell(next_random(&random) % known);
            intern(text);
            free(text);
        }
        phase_end();
    }
    clock_stop();
    count_units(arguments[0] * lookups);
    for (size_t i = 0; i < table.room; i++)
        if (table.places[i] != NULL &&
            find(table.places, table.room, table.places[i]) != &table.places[i])
            stop_damaged();
}

const struct lifetime lifetime = {
    .usage = "[PHASES [LOOKUPS]]: LOOKUPS of strings in each of PHASES, of which one in ten is "
             "new, and kept",
    .standard = {200, 20000},
    .least = {1, 1},
    .most = {1000000, 100000000},
    .run = run,
};
