/*
 * suppress.c - sites that somebody has reviewed and accepted: those that a file of suppressions
 * matches, and those that an earlier run, the baseline, also had. They are counted, but do not make
 * a program unsafe.
 *
 * A line of a file of suppressions has, separated by tabs, a pattern for the function, one for the
 * source file (or for the program or library, where no file is known), a range of sizes and
 * optionally a reason. Nothing in it changes from build to build: it has no line numbers, no
 * addresses, and sizes only up to a power of two.
 */
#include "audit.h"
#include "output.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    char *function; /* patterns */
    char *file;
    uint64_t least; /* sizes */
    uint64_t most;
    char *reason; /* "" if there is none */
    const char *path;
    size_t line;
    bool baseline;
    bool used;
};

static struct {
    struct rule *at;
    size_t count;
} rules;

static void add(struct rule rule)
{
    rules.at = grow(rules.at, rules.count, sizeof *rules.at);
    rules.at[rules.count++] = rule;
}

/* "*", "4096", "-4096", "4096-", "1K-64K". */
static bool parse_sizes(char *text, uint64_t *least_size, uint64_t *most_size)
{
    char *dash = strchr(text, '-');

    *least_size = 0;
    *most_size = UINT64_MAX - 1;
    if (strcmp(text, "*") == 0)
        return true;
    if (dash == NULL)
        return parse_bytes(text, least_size) && (*most_size = *least_size, true);
    *dash = '\0';
    return (*text == '\0' || parse_bytes(text, least_size)) &&
           (dash[1] == '\0' || parse_bytes(dash + 1, most_size));
}

void suppressions_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;

    if (file == NULL)
        die(2, "--suppressions %s: %s: --write-suppressions makes one", path, strerror(errno));
    for (size_t number = 1; getline(&line, &room, file) > 0; number++) {
        struct rule rule = {.path = path, .line = number};
        char *rest = line;
        char *fields[4] = {NULL};

        line[strcspn(line, "\r\n")] = '\0';
        if (*line == '\0' || *line == '#')
            continue;
        for (size_t i = 0; i < 4 && rest != NULL; i++)
            fields[i] = i < 3 ? strsep(&rest, "\t") : rest;
        if (fields[2] == NULL || !parse_sizes(fields[2], &rule.least, &rule.most))
            die(2,
                "%s:%zu: want function, file, sizes (*, 4096, 4096-8192, -64K) and perhaps a "
                "reason, with tabs between them",
                path, number);
        rule.function = need(strdup(fields[0]));
        rule.file = need(strdup(fields[1]));
        rule.reason = need(strdup(fields[3] == NULL ? "" : fields[3]));
        add(rule);
    }
    free(line);
    fclose(file);
}

/* The file that a site is shown in, relative to the current folder; where none is known, the
 * program. */
static const char *file_of(const struct group *group)
{
    const struct place *place = &group->made->made;

    return known(place->file) ? from_here(place->file) : base_name(place->module);
}

/* A pattern may leave out leading folders, which differ between machines. */
static bool matches_file(const char *pattern, const char *file)
{
    for (;;) {
        if (fnmatch(pattern, file, 0) == 0)
            return true;
        file = strchr(file, '/');
        if (file == NULL)
            return false;
        file++;
    }
}

static bool matches(const struct rule *rule, const struct group *group)
{
    return group->size_most >= rule->least && group->size_most <= rule->most &&
           fnmatch(rule->function, group->made->made.symbol, 0) == 0 &&
           matches_file(rule->file, file_of(group));
}

/* A pattern that matches only this text. */
static char *escaped(const char *text)
{
    char *copy = need(malloc(2 * strlen(text) + 1));
    char *to = copy;

    for (; *text != '\0'; text++) {
        if (strchr("*?[\\", *text) != NULL)
            *to++ = '\\';
        *to++ = *text == '\t' ? '?' : *text;
    }
    *to = '\0';
    return copy;
}

static uint64_t power_above(uint64_t size)
{
    uint64_t power = 1;

    while (power < size)
        power *= 2;
    return power;
}

void baseline_add(const char *function, const char *file, uint64_t size)
{
    add((struct rule){.function = escaped(function),
                      .file = escaped(file),
                      .most = power_above(size),
                      .reason = need(strdup("in the baseline")),
                      .baseline = true});
}

void suppressions_apply(struct audit *audit)
{
    /* Discarded blocks are in no group, so they are never hidden. */
    bool any = audit->discarded > audit->min_bytes;
    bool hides = false;

    for (size_t i = 0; i < audit->groups.count; i++) {
        struct group *group = &audit->groups.at[i];

        for (size_t r = 0; r < rules.count; r++) {
            if (!matches(&rules.at[r], group))
                continue;
            rules.at[r].used = true;
            if (group->hidden == NULL)
                group->hidden = rules.at[r].reason;
        }
        if (group->asked_most < audit->min_bytes)
            continue;
        hides = hides || group->hidden != NULL;
        any = any || group->hidden == NULL;
    }
    audit->apart = audit->verdict == UNSAFE && hides && !any;
    if (audit->apart)
        audit->verdict = audit->lack == LACKS_NOTHING ? SAFE : NO_VERDICT;
}

void suppressions_note(const struct audit *audit, struct lines *lines)
{
    uint64_t blocks = 0;
    uint64_t largest = 0;
    size_t sites = 0;

    for (size_t i = 0; i < audit->groups.count; i++) {
        const struct group *group = &audit->groups.at[i];

        if (group->hidden == NULL || group->asked_most < audit->min_bytes)
            continue;
        sites++;
        blocks = sum(blocks, group->count);
        largest = most(largest, group->size_most);
    }
    if (sites > 0)
        lines_add(lines, "Suppressed, or in the baseline: %s, with %s of up to %s.",
                  amount(sites, "site").text, amount(blocks, "block").text,
                  amount(largest, "byte").text);
    for (size_t r = 0; r < rules.count; r++)
        if (!rules.at[r].used && !rules.at[r].baseline)
            lines_add(lines, "%s:%zu: nothing matches %s any more: remove it.", rules.at[r].path,
                      rules.at[r].line, rules.at[r].function);
}

void suppressions_write(const char *path, const struct audit *audit)
{
    struct output output = output_open(path);

    fputs("# zk-audit: what has been looked at. Function, file, sizes, reason; tabs between them; "
          "* ? [] are "
          "patterns.\n",
          output.file);
    for (size_t i = 0; i < audit->groups.count; i++) {
        const struct group *group = &audit->groups.at[i];
        char *function = escaped(group->made->made.symbol);
        char *file = escaped(file_of(group));

        if (group->asked_most >= audit->min_bytes)
            fprintf(output.file, "%s\t%s\t-%" PRIu64 "\t%s\n", function, file,
                    power_above(group->size_most), group->hidden == NULL ? "" : group->hidden);
        free(function);
        free(file);
    }
    output_close(&output);
}
