/*
 * laws.c - bounds as laws: compares each with what a census measures, and prints what they give for
 * other values.
 */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_MOST = 1 << 20
}; /* how many values are tried to find the first for which a MIN_BYTES is too small */

/* ---- Against the census ---- */

struct checking {
    struct plan *plan;
    const struct catalogue *catalogue;
    struct law_checks *checks;
    bool in_full;
};

/* The largest block that the run found retained in the arena; 0 when none; -1 when the run did not
 * finish. */
static long retained_most(const struct run *run)
{
    const char *outcome = run->fields[FIELD_OUTCOME];

    if (strcmp(outcome, "clean") != 0 && strcmp(outcome, "latent") != 0)
        return -1;
    return atol(run->fields[FIELD_RETAINED_MAX]); /* NA is 0 */
}

static void add_run(struct checking *checking, size_t number, unsigned long min_bytes)
{
    const struct law_check *check = &checking->checks->checks[number];
    struct run *run = plan_add(checking->plan, check->entry, ROUTE, (long)min_bytes, true);

    run->audit = CENSUS;
    run->number = number;
    if (asprintf(&run->arguments, "%s %s", check->law->arguments, check->law->at[check->at]) < 0)
        run->arguments = need(NULL);
}

/* One byte below the bound, the largest block must have just that size; at the bound there must be
 * none. If less is retained than the law says, a run at MIN_BYTES 0 finds out how much. */
static void check_ended(void *arg, struct run *run)
{
    struct checking *checking = arg;
    struct law_check *check = &checking->checks->checks[run->number];
    unsigned long min_bytes = (unsigned long)run->min_bytes;
    long largest = retained_most(run);

    if (strcmp(run->fields[FIELD_OUTCOME], "skip") == 0) {
        check->skipped = true;
        return;
    }
    if (min_bytes > 0 && min_bytes == check->said && largest == 0)
        return; /* measured before */
    check->measured = largest > 0 ? largest + 1 : largest;
    if (largest == 0 && min_bytes > 0)
        add_run(checking, run->number, 0);
    else if (min_bytes + 1 == check->said && largest == run->min_bytes && checking->in_full)
        add_run(checking, run->number, check->said);
}

static void add_check(struct law_checks *checks, const struct catalogue *catalogue, size_t entry,
                      const struct law *law, size_t at)
{
    struct values values = values_initial(&catalogue->entries[entry]);

    values_take(&values, law->arguments);
    values_take(&values, law->at[at]);
    checks->checks = need(reallocarray(checks->checks, checks->count + 1, sizeof *checks->checks));
    checks->checks[checks->count++] = (struct law_check){
        .entry = entry, .law = law, .at = at, .said = values_bound(&values, law), .measured = -1};
}

static void add_checks(struct law_checks *checks, const struct catalogue *catalogue, size_t entry)
{
    for (size_t l = 0; l < catalogue->entries[entry].law_count; l++) {
        const struct law *law = &catalogue->entries[entry].laws[l];

        for (size_t at = 0; at < law->at_count; at++)
            add_check(checks, catalogue, entry, law, at);
    }
}

bool laws_check(struct plan *plan, const struct catalogue *catalogue, const struct options *options,
                struct law_checks *checks)
{
    struct checking checking = {
        .plan = plan, .catalogue = catalogue, .checks = checks, .in_full = options->laws};

    for (size_t entry = 0; entry < catalogue->count; entry++)
        if (in_shard(options, entry))
            add_checks(checks, catalogue, entry);
    for (size_t i = 0; i < checks->count; i++)
        add_run(&checking, i, checks->checks[i].said > 0 ? checks->checks[i].said - 1 : 0);
    return runner_run(plan, catalogue, options, check_ended, &checking);
}

void laws_free(struct law_checks *checks)
{
    free(checks->checks);
}

static bool missed(const struct law_check *check)
{
    return !check->skipped &&
           (check->measured < 0 || (unsigned long)check->measured != check->said);
}

size_t laws_report_missed(const struct law_checks *checks, const struct catalogue *catalogue)
{
    size_t count = 0;

    for (size_t i = 0; i < checks->count; i++) {
        const struct law_check *check = &checks->checks[i];

        if (!missed(check))
            continue;
        count++;
        fprintf(stderr, "zk-sweep: %s %s%s%s: its law, %s, says %lu, and ",
                catalogue->entries[check->entry].slug, check->law->arguments,
                *check->law->arguments != '\0' ? " " : "", check->law->at[check->at],
                check->law->formula, check->said);
        if (check->measured < 0)
            fputs("its census does not get to an end\n", stderr);
        else
            fprintf(stderr, "it is %ld that is measured\n", check->measured);
    }
    return count;
}

size_t laws_end(const struct law_checks *checks, size_t first)
{
    size_t end = first;

    while (end < checks->count && checks->checks[end].law == checks->checks[first].law)
        end++;
    return end;
}

void laws_print_count(const struct law_checks *checks)
{
    size_t laws = 0;
    size_t held = 0;
    size_t values = 0;

    for (size_t first = 0; first < checks->count; first = laws_end(checks, first)) {
        bool holds = true;
        size_t measured = 0;

        for (size_t i = first; i < laws_end(checks, first); i++) {
            holds = holds && !missed(&checks->checks[i]);
            measured += !checks->checks[i].skipped;
        }
        if (measured == 0)
            continue;
        laws++;
        held += holds;
        values += measured;
    }
    if (laws > 0)
        printf("%zu of %zu laws hold, to the byte, at all of the %zu values at which they were "
               "measured.\n",
               held, laws, values);
}

/* ---- What they give for other values ---- */

/* For which values a law is evaluated: those of the committed table, those of this machine, or
 * those asked for. */
enum whose { TABLE, MACHINE, ASKED };

static struct values values_of(const struct entry *entry, enum whose whose, const char *asked)
{
    struct values values = values_initial(entry);

    if (whose == MACHINE)
        values_of_machine(&values, values.processors);
    else if (whose == ASKED)
        values_asked(&values, asked);
    return values;
}

static unsigned long bound_of(const struct entry *entry, const struct law *law, enum whose whose,
                              const char *asked)
{
    struct values values = values_of(entry, whose, asked);

    values_take(&values, law->arguments);
    return values_bound(&values, law);
}

static int label_width(const struct catalogue *catalogue)
{
    size_t width = 0;

    for (size_t i = 0; i < catalogue->count; i++)
        for (size_t l = 0; l < catalogue->entries[i].law_count; l++) {
            const char *arguments = catalogue->entries[i].laws[l].arguments;
            size_t length =
                strlen(catalogue->entries[i].slug) + strlen(arguments) + (*arguments != '\0');

            width = length > width ? length : width;
        }
    return (int)width;
}

static void print_law(const struct entry *entry, const struct law *law, int width,
                      const char *asked)
{
    char label[128];

    snprintf(label, sizeof label, "%s%s%s", entry->slug, *law->arguments != '\0' ? " " : "",
             law->arguments);
    printf("  %-*s  %8lu  %8lu", width, label, bound_of(entry, law, TABLE, asked),
           bound_of(entry, law, MACHINE, asked));
    if (asked != NULL)
        printf("  %8lu", bound_of(entry, law, ASKED, asked));
    printf("  %s\n", law->formula);
}

/* The MIN_BYTES that an entry needs: what its law gives, or else what was measured; 0 if there is
 * neither. */
static unsigned long needed(const struct entry *entry, const struct bound *bound, enum whose whose,
                            const char *asked)
{
    struct values values = values_of(entry, whose, asked);
    const struct law *law = values_law(&values);

    if (!bound->guaranteed.measured || bound->guaranteed.none)
        return 0;
    return law != NULL ? values_bound(&values, law) : (unsigned long)bound->guaranteed.min_bytes;
}

static void print_needed(const struct catalogue *catalogue, const struct bound *bounds,
                         enum whose whose, const char *asked)
{
    unsigned long most = 0;
    const char *forced_by = NULL;

    for (size_t i = 0; i < catalogue->count; i++) {
        unsigned long min_bytes = needed(&catalogue->entries[i], &bounds[i], whose, asked);

        if (min_bytes <= most)
            continue;
        most = min_bytes;
        forced_by = catalogue->entries[i].slug;
    }
    if (whose == ASKED)
        printf("For %s", asked);
    else
        printf("On this machine (%ld processors)", sysconf(_SC_NPROCESSORS_ONLN));
    if (forced_by != NULL)
        printf(" these workloads need MIN_BYTES >= %lu: %s forces it.\n", most, forced_by);
    else
        puts(" these workloads need no MIN_BYTES.");
}

void laws_print(const struct catalogue *catalogue, const struct bound *bounds, const char *asked)
{
    int width = label_width(catalogue);

    if (width == 0)
        return;
    puts(bounds != NULL
             ? "\nThat is with the sizes that were run. What the bounds are with others is a law:"
             : "Bounds that are laws:");
    printf("  %-*s  %8s  %8s", width, "repro", "as run", "here");
    if (asked != NULL)
        printf("  %8s", "asked");
    puts("  law");
    for (size_t i = 0; i < catalogue->count; i++)
        for (size_t l = 0; l < catalogue->entries[i].law_count; l++)
            print_law(&catalogue->entries[i], &catalogue->entries[i].laws[l], width, asked);
    if (bounds == NULL)
        return;
    print_needed(catalogue, bounds, MACHINE, asked);
    if (asked != NULL)
        print_needed(catalogue, bounds, ASKED, asked);
}

/* ---- The table ---- */

/* "--pool-threads 17" as "pool_threads=17", into text. */
static void name_value(const char *at, char *text)
{
    for (bool is_value = false; *at != '\0'; at++) {
        if (*at == '-' && at[1] == '-')
            at++;
        else if (*at == ' ')
            *text++ = (is_value = !is_value) ? '=' : ' ';
        else
            *text++ = *at == '-' ? '_' : *at;
    }
    *text = '\0';
}

/* The values, separated by commas; if there is only one option, its name is printed once. */
static char *values_text(const struct law *law)
{
    char *all = NULL;
    size_t size;
    FILE *to = need(open_memstream(&all, &size));
    char *before = need(strdup(""));

    for (size_t i = 0; i < law->at_count; i++) {
        char *text = need(malloc(strlen(law->at[i]) + 1));
        size_t name;

        name_value(law->at[i], text);
        name = strcspn(text, "=") + 1;
        if (strchr(text, ' ') != NULL || strncmp(before, text, name) != 0)
            name = 0;
        fprintf(to, "%s%s", i == 0 ? "" : ",", *text != '\0' ? text + name : "default");
        free(before);
        before = text;
    }
    free(before);
    fclose(to);
    return need(all);
}

static char *bounds_text(const struct law_check *checks, size_t count)
{
    char *all = NULL;
    size_t size;
    FILE *to = need(open_memstream(&all, &size));

    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? "" : ",", to);
        if (checks[i].skipped || checks[i].measured < 0)
            fputs("NA", to);
        else
            fprintf(to, "%ld", checks[i].measured);
    }
    fclose(to);
    return need(all);
}

/* The value of the first option named in arguments, if it is a number; else NULL. */
static unsigned long *first_option(struct values *values, const char *at)
{
    size_t length;

    if (strncmp(at, "--", 2) != 0)
        return NULL;
    at += 2;
    length = strcspn(at, " ");
    for (size_t i = 0; i < values->entry->option_count; i++) {
        const struct repro_option *option = &values->entry->options[i];

        if (strlen(option->name) == length && strncmp(option->name, at, length) == 0)
            return strcmp(option->words, "-") == 0 ? &values->options[i] : NULL;
    }
    return &values->threads;
}

/* The option whose values are checked: the first one named; NULL if none is named. */
static unsigned long *checked_option(struct values *values, const struct law *law)
{
    unsigned long *option = NULL;

    for (size_t i = 0; i < law->at_count && option == NULL; i++)
        option = first_option(values, law->at[i]);
    return option;
}

static unsigned long least_of(const struct values *values, const unsigned long *option)
{
    return option != &values->threads ? values->entry->options[option - values->options].least : 1;
}

/* Prints the first value at which min_bytes is no longer enough. */
static void print_first(FILE *to, const struct entry *entry, const struct law *law,
                        unsigned long min_bytes)
{
    struct values values = values_initial(entry);
    unsigned long *option;

    values_take(&values, law->arguments);
    values_take(&values, law->at[0]);
    option = checked_option(&values, law);
    if (option == NULL) {
        fputs(values_bound(&values, law) > min_bytes ? "\talways" : "\tnever", to);
        return;
    }
    for (*option = least_of(&values, option); *option <= FIRST_MOST; ++*option)
        if (values_bound(&values, law) > min_bytes) {
            fprintf(to, "\t%lu", *option);
            return;
        }
    fputs("\tnever", to);
}

char *laws_row(const struct law_checks *checks, const struct catalogue *catalogue, size_t first,
               size_t end)
{
    static const unsigned long usual[] = {512, 1024, 4096, 8192};
    const struct law *law = checks->checks[first].law;
    const struct entry *entry = &catalogue->entries[checks->checks[first].entry];
    char *values = values_text(law);
    char *bounds = bounds_text(&checks->checks[first], end - first);
    char *row = NULL;
    size_t size;
    FILE *to = need(open_memstream(&row, &size));

    fprintf(to, "%s\t%s\t%s\t%s", entry->slug, law->formula, values, bounds);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        print_first(to, entry, law, usual[i]);
    fprintf(to, "\t%s\t%s", *law->arguments != '\0' ? law->arguments : "NA", law->source);
    fclose(to);
    free(values);
    free(bounds);
    return need(row);
}
