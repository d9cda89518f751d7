/*
 * growth.c - blocks of one place that get larger in each phase, or with each thread: then a larger
 * run has larger bounds than this one. The rule of the growth is printed if it can be recognised.
 */
#include "audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_LEAST = 3, STEPS_MAX = 64 };

/* A size, and the first begin that found it. */
struct step {
    uint64_t phase;
    uint64_t size;
};

static int by_phase(const void *a, const void *b)
{
    const struct step *left = a;
    const struct step *right = b;

    if (left->phase != right->phase)
        return left->phase < right->phase ? -1 : 1;
    return (left->size > right->size) - (left->size < right->size);
}

/* The steps in the census's rows of a group; 0 if the sizes do not grow with each phase that has
 * one. */
static size_t steps_of(const struct group *group, struct step steps[STEPS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < group->finding_count; i++) {
        const struct finding *row = group->findings[i];

        if (row->kind != RETAINED)
            continue;
        if (count == STEPS_MAX)
            return 0;
        steps[count++] = (struct step){row->phase_first, row->size};
    }
    qsort(steps, count, sizeof *steps, by_phase);
    for (size_t i = 1; i < count; i++)
        if (steps[i].phase == steps[i - 1].phase || steps[i].size <= steps[i - 1].size)
            return 0;
    return count < STEPS_LEAST ? 0 : count;
}

/* The number of bytes added in each phase; 0 if it varies. */
static uint64_t addend(const struct step *steps, size_t count)
{
    uint64_t phases = steps[1].phase - steps[0].phase;
    uint64_t bytes = (steps[1].size - steps[0].size) / phases;

    for (size_t i = 1; i < count; i++)
        if (steps[i].size - steps[i - 1].size != bytes * (steps[i].phase - steps[i - 1].phase))
            return 0;
    return bytes;
}

/* The factor from one step to the next, in consecutive phases; 0 if it varies. */
static double factor(const struct step *steps, size_t count)
{
    double times = (double)steps[1].size / (double)steps[0].size;

    for (size_t i = 1; i < count; i++) {
        double expected = (double)steps[i - 1].size * times;

        if (steps[i].phase != steps[i - 1].phase + 1 || (double)steps[i].size < expected * 0.99 ||
            (double)steps[i].size > expected * 1.01)
            return 0;
    }
    return times;
}

bool growth_of(const struct group *group, struct amount *rule)
{
    struct step steps[STEPS_MAX] = {{0}};
    size_t count = steps_of(group, steps);
    uint64_t bytes = count == 0 ? 0 : addend(steps, count);
    double times = count == 0 ? 0 : factor(steps, count);

    if (count == 0 && strstr(group->made->site, "libgomp.so") != NULL)
        snprintf(rule->text, sizeof rule->text,
                 "with the threads, by 224 bytes for each (libgomp)");
    else if (count == 0)
        return false;
    else if (bytes > 0)
        snprintf(rule->text, sizeof rule->text, "by %" PRIu64 " bytes in each phase", bytes);
    else if (times > 0)
        snprintf(rule->text, sizeof rule->text, "%.4g times in each phase", times);
    else
        snprintf(rule->text, sizeof rule->text, "from phase to phase");
    return true;
}
