/*
 * course.c - reads "2:0,3,3": at begins 0, 2 and 4, no, three and three blocks were live. Strides
 * are powers of two, so the begins of the largest stride are in all courses.
 */
#include "course.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 1024 }; /* more than the library ever writes */

static uint64_t stride_of(const char *course)
{
    char *end;
    uint64_t stride = strtoull(course, &end, 10);

    return *end == ':' && stride > 0 && (stride & (stride - 1)) == 0 ? stride : 0;
}

/* The last begin at which a block was live. */
static uint64_t last_of(const char *course)
{
    uint64_t stride = stride_of(course);
    uint64_t begins = 0;

    for (const char *at = course; stride > 0 && (at = strchr(at, ',')) != NULL; at++)
        begins++;
    return begins * stride;
}

/* Calls visit for each stack of a row of the census. */
static void each_use(const struct finding *finding,
                     void (*visit)(void *arg, const struct finding *finding, const char *course),
                     void *arg)
{
    if (finding->kind != RETAINED)
        return;
    for (uint32_t number = finding->first_use; number != 0; number = use_next(finding, number))
        if (known(use_at(number)->course))
            visit(arg, finding, use_at(number)->course);
}

struct extent {
    uint64_t stride;
    uint64_t last;
};

static void extend(void *arg, const struct finding *finding, const char *course)
{
    struct extent *extent = arg;

    (void)finding;
    extent->stride = most(extent->stride, stride_of(course));
    extent->last = most(extent->last, last_of(course));
}

struct course course_begins(const struct audit *audit)
{
    const struct report *report = &audit->census.report;
    struct extent extent = {0};
    uint64_t count;

    for (size_t i = 0; i < audit->groups.count; i++)
        for (size_t f = 0; f < audit->groups.at[i].finding_count; f++)
            each_use(audit->groups.at[i].findings[f], extend, &extent);
    if (extent.stride == 0)
        return (struct course){0};
    if (report->processes == 1 && report->phases > extent.last)
        extent.last = report->phases; /* if nothing was live at the last begins */
    count = extent.last / extent.stride;
    return (struct course){.stride = extent.stride,
                           .count = count > SAMPLES_MAX ? SAMPLES_MAX : (size_t)count};
}

static void add_blocks(void *arg, const struct finding *finding, const char *course)
{
    const struct course *sum_up = arg;
    uint64_t stride = stride_of(course);
    const char *at = strchr(course, ':');

    for (uint64_t begin = 0; stride > 0 && at != NULL; begin += stride, at = strchr(at + 1, ',')) {
        uint64_t sample = begin / sum_up->stride;

        if (begin % sum_up->stride == 0 && sample > 0 && sample <= sum_up->count)
            sum_up->bytes[sample - 1] += strtoull(at + 1, NULL, 10) * finding->size;
    }
}

struct course course_of(const struct group *group, const struct course *begins)
{
    struct course course = *begins;

    course.bytes = need(calloc(begins->count + 1, sizeof *course.bytes));
    for (size_t i = 0; course.stride > 0 && i < group->finding_count; i++)
        each_use(group->findings[i], add_blocks, &course);
    return course;
}

const char *course_kind(const struct course *course)
{
    size_t first = 0;
    bool less = false;

    if (course->stride == 0 || course->count == 0)
        return not_known;
    while (first < course->count && course->bytes[first] == 0)
        first++;
    if (first == course->count)
        return not_known; /* between the begins that were recorded */
    if (course->bytes[course->count - 1] == 0)
        return "is gone at the end";
    for (size_t i = first + 1; i < course->count; i++)
        less = less || course->bytes[i] < course->bytes[i - 1];
    if (less)
        return "varies";
    return course->bytes[course->count - 1] > course->bytes[first] ? "grows" : "stays";
}
