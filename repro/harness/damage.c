/*
 * damage.c - is the damage what the descriptor declares? The outcome alone does not distinguish 17
 * damaged bytes from 18, or one flipped bit from another.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_bytes(const struct repro_damage *declared, const struct extent *found)
{
    return declared->offset == found->offset && declared->bytes == found->bytes &&
           memcmp(declared->last, found->last + sizeof found->last - declared->known,
                  declared->known) == 0;
}

static void print_last(const unsigned char *last, size_t known)
{
    for (size_t i = 0; i < known; i++)
        fprintf(stderr, "%s%02x", i == 0 ? ", the last " : " ", last[i]);
}

static void say_other(unsigned cycle, const struct repro_damage *declared,
                      const struct extent *found)
{
    fprintf(stderr, "%s: cycle %u: declared %zu bytes at offset %zu", repro.slug, cycle,
            declared->bytes, declared->offset);
    print_last(declared->last, declared->known);
    fprintf(stderr, "; found %zu at offset %zu", found->bytes, found->offset);
    print_last(found->last + sizeof found->last - declared->known, declared->known);
    fputc('\n', stderr);
}

/* The number of damaged runs of this cycle, which start at index first. */
static size_t runs_of(const struct report *report, unsigned cycle, size_t first)
{
    size_t count = 0;

    while (first + count < report->extent_count && first + count < RUN_EXTENTS_MAX &&
           report->extents[first + count].cycle == cycle)
        count++;
    return count;
}

bool damage_is_declared(const struct repro_run *run)
{
    static struct repro_damage declared[REPRO_DAMAGE_MAX];
    const struct report *report = run->report;
    size_t first = 0;

    if (repro.damage == NULL)
        return true;
    for (unsigned cycle = 1; cycle <= report->cycles; cycle++) {
        size_t wanted = repro.damage(run, cycle, declared);
        size_t count = runs_of(report, cycle, first);

        if (wanted == REPRO_UNDETERMINED || first + wanted > RUN_EXTENTS_MAX)
            return true; /* not known, or more than the report could record */
        if (wanted > REPRO_DAMAGE_MAX)
            abort();
        for (size_t i = 0; i < wanted && i < count; i++)
            if (!same_bytes(&declared[i], &report->extents[first + i])) {
                say_other(cycle, &declared[i], &report->extents[first + i]);
                return false;
            }
        if (count != wanted) {
            fprintf(stderr, "%s: cycle %u: declared %zu runs of damaged bytes; found %zu\n",
                    repro.slug, cycle, wanted, count);
            return false;
        }
        first += count;
    }
    return true;
}
