/*
 * catalogue.c - the repros are programs in a folder; each describes itself (--describe).
 */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *take_field(char **line)
{
    char *field = strsep(line, "\t");

    return need(strdup(field != NULL ? field : ""));
}

static unsigned long take_number(char **line)
{
    const char *field = strsep(line, "\t");

    return field != NULL ? strtoul(field, NULL, 10) : 0;
}

/* A field of arguments, where "-" stands for none. */
static char *take_arguments(char **line)
{
    char *field = take_field(line);

    if (strcmp(field, "-") == 0)
        *field = '\0';
    return field;
}

static void take_option(struct entry *entry, char *line)
{
    struct repro_option *option;

    entry->options =
        need(reallocarray(entry->options, entry->option_count + 1, sizeof *entry->options));
    option = &entry->options[entry->option_count++];
    option->name = take_field(&line);
    option->counts = take_field(&line);
    option->initial = take_number(&line);
    option->least = take_number(&line);
    option->most = take_number(&line);
    option->words = take_field(&line);
}

static void take_law(struct entry *entry, char *line)
{
    struct law *law;

    entry->laws = need(reallocarray(entry->laws, entry->law_count + 1, sizeof *entry->laws));
    law = &entry->laws[entry->law_count++];
    *law = (struct law){.formula = take_field(&line)};
    law->arguments = take_arguments(&line);
    law->source = take_field(&line);
}

/* Adds arguments to the law that was described last. */
static void take_law_at(struct entry *entry, char *line)
{
    struct law *law;

    if (entry->law_count == 0)
        return;
    law = &entry->laws[entry->law_count - 1];
    law->at = need(reallocarray(law->at, law->at_count + 1, sizeof *law->at));
    law->at[law->at_count++] = take_arguments(&line);
}

static void take_expectation(struct entry *entry, char *line)
{
    const char *profile = strsep(&line, "\t");

    for (int i = 0; i < PROFILES && line != NULL; i++)
        if (strcmp(profile, profile_names[i]) == 0)
            entry->expect[i] = need(strdup(line));
}

static void take_line(struct entry *entry, char *line)
{
    const char *key = strsep(&line, "\t");

    if (line == NULL)
        return;
    if (strcmp(key, "slug") == 0)
        entry->slug = need(strdup(line));
    else if (strcmp(key, "claim") == 0)
        entry->claim = need(strdup(line));
    else if (strcmp(key, "expect") == 0)
        take_expectation(entry, line);
    else if (strcmp(key, "threads") == 0)
        entry->threads = take_number(&line);
    else if (strcmp(key, "option") == 0)
        take_option(entry, line);
    else if (strcmp(key, "law") == 0)
        take_law(entry, line);
    else if (strcmp(key, "law_at") == 0)
        take_law_at(entry, line);
}

static void free_entry(struct entry *entry)
{
    free(entry->path);
    free(entry->description);
    free(entry->slug);
    free(entry->claim);
    for (int i = 0; i < PROFILES; i++)
        free(entry->expect[i]);
    for (size_t i = 0; i < entry->option_count; i++) {
        free(entry->options[i].name);
        free(entry->options[i].counts);
        free(entry->options[i].words);
    }
    free(entry->options);
    for (size_t i = 0; i < entry->law_count; i++) {
        struct law *law = &entry->laws[i];

        for (size_t at = 0; at < law->at_count; at++)
            free(law->at[at]);
        free(law->at);
        free(law->formula);
        free(law->arguments);
        free(law->source);
    }
    free(entry->laws);
}

/* False when the program at path is not a repro. */
static bool describe(const char *path, struct entry *entry)
{
    const char *const command[] = {path, "--describe", NULL};
    int status;
    char *answer = ask(command, -1, false, &status);
    char *rest;

    if (answer == NULL)
        return false; /* built for another machine */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        die(2,
            "%s: cannot be started: if its libraries are found by LD_LIBRARY_PATH, say --keep-env",
            path);
    *entry = (struct entry){.description = need(strdup(answer))};
    rest = answer;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        take_line(entry, line);
    free(answer);
    if (status != 0 || entry->slug == NULL) {
        free_entry(entry);
        return false;
    }
    if (entry->option_count > VALUES_MOST)
        die(2, "%s: has more than %d options", path, VALUES_MOST);
    for (size_t i = 0; i < entry->law_count; i++)
        if (entry->laws[i].at_count == 0)
            die(2, "%s: its law names no values at which it is to be checked", path);
    for (int i = 0; i < PROFILES; i++)
        if (entry->expect[i] == NULL)
            die(2, "%s: declares no expectation for profile %s", path, profile_names[i]);
    entry->path = need(strdup(path));
    return true;
}

static int by_slug(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->slug, ((const struct entry *)b)->slug);
}

struct catalogue catalogue_read(const struct options *options)
{
    struct catalogue catalogue = {0};
    DIR *folder = opendir(options->repro_dir);
    struct dirent *item;

    if (folder == NULL)
        die(2, "%s: %s: build the repros first (make build), or say --repro-dir",
            options->repro_dir, strerror(errno));
    while ((item = readdir(folder)) != NULL) {
        char path[PATH_MAX];
        struct stat status;
        struct entry entry;

        snprintf(path, sizeof path, "%s/%s", options->repro_dir, item->d_name);
        if (item->d_name[0] == '.' || strncmp(item->d_name, "test_", 5) == 0)
            continue;
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || access(path, X_OK) != 0)
            continue;
        if (options->only != NULL && fnmatch(options->only, item->d_name, 0) != 0)
            continue;
        if (!describe(path, &entry))
            continue;
        catalogue.entries =
            need(reallocarray(catalogue.entries, catalogue.count + 1, sizeof *catalogue.entries));
        catalogue.entries[catalogue.count++] = entry;
    }
    closedir(folder);
    if (catalogue.count == 0)
        die(2, "%s: no repro %s%s there", options->repro_dir,
            options->only != NULL ? "that matches " : "programs",
            options->only != NULL ? options->only : "");
    qsort(catalogue.entries, catalogue.count, sizeof *catalogue.entries, by_slug);
    return catalogue;
}

void catalogue_free(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        free_entry(&catalogue->entries[i]);
    free(catalogue->entries);
}
