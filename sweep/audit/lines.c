/*
 * lines.c - lines for a person.
 */
#include "audit.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char dots[] = "...";
enum { DOTS = sizeof dots - 1, SYMBOL_COLUMNS = 40, LEAST_COLUMNS = 8 };

void lines_add(struct lines *lines, const char *format, ...)
{
    char *line;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0)
        die(3, "out of memory");
    if (length > SCREEN_COLUMNS)
        memcpy(line + SCREEN_COLUMNS - DOTS, dots, sizeof dots);
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ') /* of a file's name, or of what the program said */
            *at = ' ';
    lines->at = grow(lines->at, lines->count, sizeof *lines->at);
    lines->at[lines->count++] = line;
}

void lines_free(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->at[i]);
    free(lines->at);
    *lines = (struct lines){0};
}

struct amount amount(uint64_t number, const char *noun)
{
    bool hiss =
        noun[0] != '\0' && strcmp(noun + strlen(noun) - 2, "ss") == 0; /* processes, accesses */
    struct amount text;

    snprintf(text.text, sizeof text.text, "%" PRIu64 " %s%s", number, noun,
             number == 1 ? ""
             : hiss      ? "es"
                         : "s");
    return text;
}

/* Relative to the folder that we are in, if it lies there. */
static const char *from_here(const char *file)
{
    char here[PATH_MAX];
    size_t length;

    if (getcwd(here, sizeof here) == NULL)
        return file;
    length = strlen(here);
    return strncmp(file, here, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* What a function gets: all but the file's own name and what else there is; the file's folders are
 * the first to go. */
static int symbol_columns(const char *file, size_t others, size_t width)
{
    size_t taken = strlen(".../ ()") + strlen(base_name(file)) + others;

    if (width < taken + LEAST_COLUMNS)
        return LEAST_COLUMNS;
    return width - taken > SYMBOL_COLUMNS ? SYMBOL_COLUMNS : (int)(width - taken);
}

/* ":12 (function) in libfoo.so": the program itself is not named. */
static void describe(char *text, size_t room, const struct place *place, const char *file,
                     size_t width)
{
    char line[32] = "";
    char library[32] = "";
    const char *module = base_name(place->module);
    int columns;
    bool cut;

    if (*file != '\0')
        snprintf(line, sizeof line, ":%" PRIu64, place->line);
    if (*file != '\0' && strstr(module, ".so") != NULL)
        snprintf(library, sizeof library, ", by %.24s", module);
    columns = symbol_columns(file, strlen(line) + strlen(library), width);
    cut = strlen(place->symbol) > (size_t)columns;
    if (known(place->symbol))
        snprintf(text, room, "%s (%.*s%s)%s", line, cut ? columns - DOTS : columns, place->symbol,
                 cut ? dots : "", library);
    else
        snprintf(text, room, "%s%s", line, library);
}

struct location location(const struct place *place, const char *site, size_t width)
{
    const char *file = known(place->file) ? from_here(place->file) : "";
    size_t length = strlen(file);
    char rest[SCREEN_COLUMNS + 32]; /* clipped parts: it fits */
    size_t left;
    struct location text;

    describe(rest, sizeof rest, place, file, width);
    if (length == 0 && !known(site)) {
        snprintf(text.text, sizeof text.text, "an unknown place");
        return text;
    }
    if (length == 0) { /* the first frame: module+0xoffset */
        snprintf(text.text, sizeof text.text, "%.*s%s", (int)strcspn(site, ";"), site, rest);
        return text;
    }
    left = strlen(rest) + DOTS + 1 < width ? width - strlen(rest) : DOTS + 1;
    if (length <= left)
        snprintf(text.text, sizeof text.text, "%s%s", file, rest);
    else /* its end tells more than its beginning */
        snprintf(text.text, sizeof text.text, "%s%s%s", dots, file + length - (left - DOTS), rest);
    return text;
}
