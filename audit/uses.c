/*
 * uses.c - which stacks a row stands for, and how many blocks each of them made.
 */
#include "audit.h"

#include <stdlib.h>

static struct {
    struct use *at; /* the first has number 1 */
    size_t count;
} uses;

uint32_t use_add(struct use use)
{
    uses.at = grow(uses.at, uses.count, sizeof *uses.at);
    uses.at[uses.count++] = use;
    return (uint32_t)uses.count;
}

const struct use *use_at(uint32_t number)
{
    return &uses.at[number - 1];
}

uint32_t use_next(const struct finding *finding, uint32_t number)
{
    return number == finding->last_use ? 0 : use_at(number)->next;
}

uint32_t uses_join(uint32_t last, uint32_t other_first, uint32_t other_last)
{
    uses.at[last - 1].next = other_first;
    return other_last;
}

static int by_trace(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return (*left > *right) - (*left < *right);
}

size_t uses_stacks(const struct finding *const *findings, size_t count)
{
    uint32_t *traces = NULL;
    size_t trace_count = 0;
    size_t different = 0;

    for (size_t i = 0; i < count; i++) {
        for (uint32_t use = findings[i]->first_use; use != 0; use = use_next(findings[i], use)) {
            traces = grow(traces, trace_count, sizeof *traces);
            traces[trace_count++] = use_at(use)->made;
        }
    }
    if (trace_count > 0)
        qsort(traces, trace_count, sizeof *traces, by_trace);
    for (size_t i = 0; i < trace_count; i++)
        different += i == 0 || traces[i] != traces[i - 1];
    free(traces);
    return different;
}
