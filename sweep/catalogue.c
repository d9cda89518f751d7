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
#include <unistd.h>

static void take_line(struct entry *entry, char *line)
{
    char *save;
    const char *key = strtok_r(line, "\t", &save);
    char *value = strtok_r(NULL, "\t", &save);

    if (key == NULL || value == NULL)
        return;
    if (strcmp(key, "slug") == 0)
        entry->slug = need(strdup(value));
    else if (strcmp(key, "claim") == 0)
        entry->claim = need(strdup(value));
    else if (strcmp(key, "expect") == 0)
        for (int i = 0; i < PROFILES; i++)
            if (strcmp(value, profile_names[i]) == 0)
                entry->expect[i] = need(strdup(save));
}

static void free_entry(struct entry *entry)
{
    free(entry->path);
    free(entry->slug);
    free(entry->claim);
    for (int i = 0; i < PROFILES; i++)
        free(entry->expect[i]);
}

/* False when the program at path is not a repro. */
static bool describe(const char *path, struct entry *entry)
{
    char command[PATH_MAX + 32];
    char line[1024];
    FILE *from;

    if (strchr(path, '\'') != NULL)
        die(2, "%s: a quote in the path: move the build elsewhere", path);
    snprintf(command, sizeof command, "'%s' --describe", path);
    from = need(popen(command, "re"));
    *entry = (struct entry){0};
    while (fgets(line, sizeof line, from) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        take_line(entry, line);
    }
    if (pclose(from) != 0 || entry->slug == NULL) {
        free_entry(entry);
        return false;
    }
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
