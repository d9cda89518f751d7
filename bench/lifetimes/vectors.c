/*
 * vectors.c - a vector of vectors that grow side by side, one element at a time in turn; a full one
 * grows by realloc, to so many percent of its capacity.
 */
#include "lifetime.h"

#include <stdlib.h>

struct vector {
    uint64_t *elements;
    size_t count;
    size_t room;
};

static void push(struct vector *vector, size_t percent, uint64_t element)
{
    if (vector->count == vector->room) {
        size_t room = vector->room * percent / 100;

        vector->room = room > vector->room ? room : vector->room + 4;
        vector->elements = must_realloc(vector->elements, vector->room * sizeof *vector->elements);
    }
    vector->elements[vector->count++] = element;
}

static void grow_side_by_side(size_t count, size_t elements, size_t percent)
{
    struct vector *vectors = must_calloc(count, sizeof *vectors);
    size_t live = 0;

    for (size_t i = 0; i < elements; i++)
        for (size_t j = 0; j < count; j++)
            push(&vectors[j], percent, i ^ j);
    for (size_t j = 0; j < count; j++) {
        live += vectors[j].room * sizeof(uint64_t);
        for (size_t i = 0; i < elements; i++)
            if (vectors[j].elements[i] != (i ^ j))
                stop_damaged();
        free(vectors[j].elements);
    }
    free(vectors);
    note_live(live);
}

static void run(const size_t *arguments)
{
    clock_start();
    for (size_t phase = 0; phase < arguments[2]; phase++) {
        phase_begin();
        grow_side_by_side(arguments[0], arguments[1], arguments[3]);
        phase_end();
    }
    clock_stop();
    count_units(arguments[0] * arguments[1] * arguments[2]);
}

const struct lifetime lifetime = {
    .usage = "[COUNT [ELEMENTS [PHASES [PERCENT]]]]: COUNT vectors of ELEMENTS, grown side by side "
             "to PERCENT of what they had, in each of PHASES",
    .standard = {64, 50000, 10, 200},
    .least = {1, 1, 1, 100},
    .most = {1000000, (size_t)1 << 32, 1000000, 1000},
    .run = run,
};
