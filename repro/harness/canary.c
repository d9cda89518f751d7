/*
 * canary.c - which bytes of a block are not what was written there.
 */
#include "run.h"

#include <string.h>

enum { join_gap = 8 }; /* see repro_check */

void canary_fill(unsigned char *data, uint64_t word, size_t size)
{
    size_t i = 0;

    for (; i + sizeof word <= size; i += sizeof word)
        memcpy(data + i, &word, sizeof word);
    memcpy(data + i, &word, size - i);
}

static bool all_equal(const unsigned char *data, uint64_t word, size_t size)
{
    size_t first = size < sizeof word ? size : sizeof word;

    return memcmp(data, &word, first) == 0 &&
           (size <= sizeof word || memcmp(data, data + sizeof word, size - sizeof word) == 0);
}

static void record(struct report *report, unsigned cycle, const unsigned char *data, size_t offset,
                   size_t bytes)
{
    if (report->extent_count < RUN_EXTENTS_MAX) {
        struct extent *extent = &report->extents[report->extent_count];
        size_t kept = bytes < sizeof extent->last ? bytes : sizeof extent->last;

        *extent = (struct extent){.cycle = cycle, .offset = offset, .bytes = bytes};
        memcpy(extent->last + sizeof extent->last - kept, data + offset + bytes - kept, kept);
    }
    report->extent_count++;
    report->corrupt_bytes += bytes;
    canary_mark(report, cycle);
}

void canary_mark(struct report *report, unsigned cycle)
{
    if (cycle == 0) {
        report->early = true;
        return;
    }
    if (report->corrupt_cycles == 0 || report->last_corrupt_cycle != cycle)
        report->corrupt_cycles++;
    report->last_corrupt_cycle = cycle;
}

void canary_compare(struct report *report, unsigned cycle, const unsigned char *data, uint64_t word,
                    size_t size)
{
    unsigned char bytes[sizeof word];
    size_t first = 0; /* of the run so far */
    size_t last = 0;  /* its last damaged byte */
    bool in_run = false;

    if (all_equal(data, word, size))
        return;
    memcpy(bytes, &word, sizeof word);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == bytes[i % sizeof word])
            continue;
        if (in_run && i - last > join_gap) {
            record(report, cycle, data, first, last + 1 - first);
            in_run = false;
        }
        if (!in_run)
            first = i;
        in_run = true;
        last = i;
    }
    if (in_run)
        record(report, cycle, data, first, last + 1 - first);
}
