/*
 * plan.c - large allocations first, so that a small one never takes the place of a large one.
 * Allocations of one size are planned in the order of time: each takes the buffer of its size that
 * was freed last, which is warm. If there is none, it takes a larger one that is idle for its whole
 * lifetime; if there is none either, a new one.
 */
#include "plan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Smaller allocations do not look for a larger buffer: that would save little memory and take
 * long. */
static const size_t share_from_bytes = 4096;

/* How many of the next larger buffers are tried. */
static const size_t share_candidates = 64;

struct interval {
    uint32_t from;
    uint32_t to;
};

/* A birth or a death of one size's allocations. */
struct event {
    uint32_t time;
    uint32_t index; /* of the allocation */
    bool birth;
};

void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

void *plan_grow(void *array, size_t *room, size_t count, size_t bytes)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 64 : *room * 2;
    array = __libc_realloc(array, *room * bytes);
    if (array == NULL) {
        fputs("bench_static: no memory for the plan\n", stderr);
        abort();
    }
    return array;
}

static int by_size(const void *a, const void *b)
{
    const struct allocation *const *left = a;
    const struct allocation *const *right = b;

    if ((*left)->need != (*right)->need)
        return (*left)->need < (*right)->need ? 1 : -1;
    if ((*left)->align != (*right)->align)
        return (*left)->align < (*right)->align ? 1 : -1;
    return (*left)->born < (*right)->born ? -1 : 1;
}

static int by_time(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;

    return (left->time > right->time) - (left->time < right->time);
}

/* The position in buffer->taken of a use that starts at `from`. */
static size_t place_of(const struct plan_buffer *buffer, uint32_t from)
{
    size_t low = 0;
    size_t high = buffer->taken_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (buffer->taken[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool idle(const struct plan_buffer *buffer, const struct allocation *allocation)
{
    size_t place = place_of(buffer, allocation->born);

    return (place == 0 || buffer->taken[place - 1].to < allocation->born) &&
           (place == buffer->taken_count || allocation->died < buffer->taken[place].from);
}

static void take(struct plan *plan, size_t which, struct allocation *allocation)
{
    struct plan_buffer *buffer = &plan->buffers[which];
    size_t place = place_of(buffer, allocation->born);

    buffer->taken =
        plan_grow(buffer->taken, &buffer->taken_room, buffer->taken_count, sizeof *buffer->taken);
    memmove(buffer->taken + place + 1, buffer->taken + place,
            (buffer->taken_count - place) * sizeof *buffer->taken);
    buffer->taken[place] = (struct interval){allocation->born, allocation->died};
    buffer->taken_count++;
    allocation->buffer = (uint32_t)which;
}

/* Finds a buffer with an index below `before`, where the larger ones are, that is idle while the
 * allocation lives; the nearest size first. Returns `before` if there is none. */
static size_t find_larger(const struct plan *plan, size_t before,
                          const struct allocation *allocation)
{
    if (allocation->need < share_from_bytes)
        return before;
    for (size_t i = 1; i <= before && i <= share_candidates; i++) {
        const struct plan_buffer *buffer = &plan->buffers[before - i];

        if (buffer->align >= allocation->align && idle(buffer, allocation))
            return before - i;
    }
    return before;
}

static size_t add_buffer(struct plan *plan, const struct allocation *allocation)
{
    plan->buffers = plan_grow(plan->buffers, &plan->room, plan->count, sizeof *plan->buffers);
    plan->buffers[plan->count] =
        (struct plan_buffer){.bytes = allocation->need, .align = allocation->align};
    return plan->count++;
}

/* All allocations of one size and alignment. */
static void plan_group(struct plan *plan, struct allocation **group, size_t count)
{
    struct event *events = NULL;
    size_t events_room = 0;
    size_t event_count = 0;
    uint32_t *free_ones = NULL; /* the one freed last is the last */
    size_t free_room = 0;
    size_t free_count = 0;
    size_t before = plan->count;

    for (uint32_t i = 0; i < count; i++) {
        events = plan_grow(events, &events_room, event_count + 1, sizeof *events);
        events[event_count++] = (struct event){group[i]->born, i, true};
        if (group[i]->died != PLAN_NEVER)
            events[event_count++] = (struct event){group[i]->died, i, false};
    }
    if (event_count > 1)
        qsort(events, event_count, sizeof *events, by_time);
    for (size_t i = 0; i < event_count; i++) {
        struct allocation *allocation = group[events[i].index];
        size_t which;

        if (!events[i].birth) {
            if (allocation->buffer < before) /* not one of this size's own buffers */
                continue;
            free_ones = plan_grow(free_ones, &free_room, free_count, sizeof *free_ones);
            free_ones[free_count++] = allocation->buffer;
            continue;
        }
        if (free_count > 0) {
            which = free_ones[--free_count];
        } else {
            which = find_larger(plan, before, allocation);
            if (which == before)
                which = add_buffer(plan, allocation);
        }
        take(plan, which, allocation);
    }
    __libc_free(events);
    __libc_free(free_ones);
}

void plan_make(struct plan *plan, struct allocation *allocations, size_t count)
{
    const size_t pointer_bytes = sizeof(struct allocation *);
    struct allocation **sorted = NULL;
    size_t room = 0;
    size_t end;

    *plan = (struct plan){0};
    for (size_t i = 0; i < count; i++) {
        sorted = plan_grow(sorted, &room, i, pointer_bytes);
        sorted[i] = &allocations[i];
    }
    if (count > 1)
        qsort(sorted, count, pointer_bytes, by_size);
    for (size_t start = 0; start < count; start = end) {
        for (end = start + 1; end < count && sorted[end]->need == sorted[start]->need &&
                              sorted[end]->align == sorted[start]->align;)
            end++;
        plan_group(plan, sorted + start, end - start);
    }
    for (size_t i = 0; i < plan->count; i++) {
        __libc_free(plan->buffers[i].taken);
        plan->buffers[i].taken = NULL;
    }
    __libc_free(sorted);
}

void plan_release(struct plan *plan)
{
    __libc_free(plan->buffers);
    *plan = (struct plan){0};
}
