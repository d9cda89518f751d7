/*
 * common.c - what every part of zk-audit needs.
 */
#include "audit.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char not_known[] = "NA";

void die(int status, const char *format, ...)
{
    va_list args;

    fputs("zk-audit: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(status);
}

void *need(void *p)
{
    if (p == NULL)
        die(3, "out of memory");
    return p;
}

/* Grows by powers of two, so that a long list is not copied for each item. */
void *grow(void *array, size_t count, size_t item_bytes)
{
    if ((count & (count - 1)) != 0)
        return array;
    return need(reallocarray(array, count == 0 ? 1 : count * 2, item_bytes));
}

const char *strings_add(struct strings *strings, const char *text)
{
    if (strcmp(text, not_known) == 0)
        return not_known;
    strings->at = grow(strings->at, strings->count, sizeof *strings->at);
    strings->at[strings->count] = need(strdup(text));
    return strings->at[strings->count++];
}

void strings_free(struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->at[i]);
    free(strings->at);
    *strings = (struct strings){0};
}

bool known(const char *text)
{
    return strcmp(text, not_known) != 0;
}

const char *known_or(const char *text, const char *otherwise)
{
    return known(text) ? text : otherwise;
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

uint64_t sum(uint64_t a, uint64_t b)
{
    if (a == UNKNOWN || b == UNKNOWN)
        return a == UNKNOWN ? b : a;
    return a + b;
}

uint64_t most(uint64_t a, uint64_t b)
{
    if (a == UNKNOWN || b == UNKNOWN)
        return a == UNKNOWN ? b : a;
    return a > b ? a : b;
}

uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b; /* UNKNOWN is the largest number */
}

bool find_in_path(const char *name, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");

    while (folders != NULL && *folders != '\0') {
        size_t length = strcspn(folders, ":");

        if (length > 0 &&
            snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folders, name) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
        folders += length;
        folders += *folders == ':';
    }
    return false;
}

const char *own_folder(void)
{
    static char self[PATH_MAX - 64];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0)
        die(3, "/proc/self/exe: %s: mount /proc", strerror(errno));
    self[length] = '\0';
    return dirname(self);
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "kKmMgG";
    const char *suffix;
    unsigned shift = 0;
    unsigned long long number;
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (*end != '\0') {
        suffix = strchr(suffixes, *end);
        if (suffix == NULL || end[1] != '\0')
            return false;
        shift = 10 * (1 + (unsigned)(suffix - suffixes) / 2);
    }
    if (errno != 0 || number > (unsigned long long)INT64_MAX >> shift)
        return false;
    *bytes = number << shift;
    return true;
}
