/*
 * report.c - the answer at a glance.
 */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *report_cell(const struct plan *plan, size_t entry, enum profile profile)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct run *run = plan->runs[i];

        if (run->entry == entry && run->profile == profile && run->min_bytes == OWN_MIN_BYTES &&
            run->done)
            return run->fields[FIELD_OUTCOME];
    }
    return "NA";
}

size_t report_unexpected(const struct plan *plan, const struct catalogue *catalogue)
{
    size_t unexpected = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct run *run = plan->runs[i];
        const struct entry *entry = &catalogue->entries[run->entry];
        const char *outcome = run->fields[FIELD_OUTCOME];

        if (run->min_bytes != OWN_MIN_BYTES || strcmp(outcome, "skip") == 0 ||
            word_in(entry->expect[run->profile], outcome))
            continue;
        fprintf(stderr, "zk-sweep: %s --profile %s: expected %s, got %s (%s)\n", entry->slug,
                profile_names[run->profile], entry->expect[run->profile], outcome,
                run->fields[RECORD_FIELDS - 1]);
        unexpected++;
    }
    return unexpected;
}

size_t report_not_monotone(const struct catalogue *catalogue, const struct bound *bounds)
{
    size_t count = 0;

    for (size_t i = 0; i < catalogue->count; i++) {
        if (!bounds[i].not_monotone)
            continue;
        fprintf(stderr,
                "zk-sweep: %s: no observed bound: harm at MIN_BYTES %ld, none at %ld, each run "
                "again alone\n",
                catalogue->entries[i].slug, bounds[i].harmed, bounds[i].unharmed);
        count++;
    }
    return count;
}

static const char *colour(const char *outcome)
{
    if (!isatty(STDOUT_FILENO) || getenv("NO_COLOR") != NULL)
        return "";
    if (strcmp(outcome, "clean") == 0 || strcmp(outcome, "refused") == 0)
        return "\033[32m";
    return outcome_is_harm(outcome) ? "\033[31m" : "\033[33m";
}

static void print_cell(const char *outcome)
{
    const char *start = colour(outcome);

    printf("  %s%-7s%s", start, outcome, *start != '\0' ? "\033[0m" : "");
}

const char *report_level(const struct level *level, char *text, size_t room)
{
    if (!level->measured)
        return "NA";
    if (level->none)
        return "none";
    snprintf(text, room, "%ld", level->min_bytes);
    return text;
}

static int repro_width(const struct catalogue *catalogue)
{
    size_t width = sizeof "repro" - 1;

    for (size_t i = 0; i < catalogue->count; i++)
        if (strlen(catalogue->entries[i].slug) > width)
            width = strlen(catalogue->entries[i].slug);
    return (int)width;
}

static void print_table(const struct plan *plan, const struct catalogue *catalogue,
                        const struct bound *bounds)
{
    int width = repro_width(catalogue);
    char texts[3][32];

    printf("\n%-*s  %-29s  outcome in each profile\n", width, "", "safe from MIN_BYTES");
    printf("%-*s  %8s  %7s  %10s", width, "repro", "observed", "touched", "guaranteed");
    for (int i = 0; i < PROFILES; i++)
        printf("  %-7s", profile_names[i]);
    putchar('\n');
    for (size_t entry = 0; entry < catalogue->count; entry++) {
        const struct bound *bound = &bounds[entry];

        printf("%-*s  %8s  %7s  %10s", width, catalogue->entries[entry].slug,
               report_level(&bound->observed, texts[0], sizeof texts[0]),
               report_level(&bound->touched, texts[1], sizeof texts[1]),
               report_level(&bound->guaranteed, texts[2], sizeof texts[2]));
        for (enum profile profile = 0; profile < PROFILES; profile++)
            print_cell(report_cell(plan, entry, profile));
        putchar('\n');
    }
    putchar('\n');
}

/* "a, b and c" of the entries for which is(bound); returns how many. */
static size_t print_names(const struct catalogue *catalogue, const struct bound *bounds,
                          bool (*is)(const struct bound *bound, long value), long value)
{
    size_t count = 0;
    size_t printed = 0;

    for (size_t i = 0; i < catalogue->count; i++)
        count += is(&bounds[i], value);
    for (size_t i = 0; i < catalogue->count; i++) {
        if (!is(&bounds[i], value))
            continue;
        if (printed > 0)
            fputs(printed + 1 == count ? " and " : ", ", stdout);
        fputs(catalogue->entries[i].slug, stdout);
        printed++;
    }
    return count;
}

static bool needs(const struct bound *bound, long value)
{
    return bound->guaranteed.measured && !bound->guaranteed.none &&
           bound->guaranteed.min_bytes == value;
}

static bool cannot_be_saved(const struct bound *bound, long value)
{
    (void)value;
    return bound->guaranteed.none;
}

/* Has an entry before i already named the same place? */
static bool is_named(const struct bound *bounds, size_t i, long most)
{
    for (size_t before = 0; before < i; before++)
        if (needs(&bounds[before], most) && strcmp(bounds[before].site, bounds[i].site) == 0)
            return true;
    return false;
}

/* Prints the places that allocate the blocks that need this much. */
static void print_sites(const struct catalogue *catalogue, const struct bound *bounds, long most)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (needs(&bounds[i], most) && bounds[i].site[0] != '\0' && !is_named(bounds, i, most))
            printf("  %ld bytes, kept across a begin, come from %s\n", most - 1, bounds[i].site);
}

static long print_recommendation(const struct catalogue *catalogue, const struct bound *bounds)
{
    long most = 0;
    bool measured = false;
    bool hopeless = false;

    for (size_t i = 0; i < catalogue->count; i++) {
        const struct level *level = &bounds[i].guaranteed;

        measured = measured || level->measured;
        hopeless = hopeless || level->none;
        if (level->measured && !level->none && level->min_bytes > most)
            most = level->min_bytes;
    }
    if (!measured)
        return 0;
    if (most > 0) {
        printf("These workloads need MIN_BYTES >= %ld: ", most);
        printf(print_names(catalogue, bounds, needs, most) == 1 ? " forces it" : " force it");
    } else {
        printf("These workloads need no MIN_BYTES");
    }
    if (hopeless) {
        printf("; no MIN_BYTES saves ");
        print_names(catalogue, bounds, cannot_be_saved, 0);
    }
    puts(".");
    print_sites(catalogue, bounds, most);
    puts("observed: the smallest MIN_BYTES at which these runs show no harm; touched: at which "
         "nothing retained\nis read or written; guaranteed: at which nothing is retained in the "
         "arena.");
    return most;
}

long report_print(const struct plan *plan, const struct catalogue *catalogue,
                  const struct bound *bounds)
{
    print_table(plan, catalogue, bounds);
    return print_recommendation(catalogue, bounds);
}
