/*
 * lines.c - lines for a person.
 */
#include "audit.h"
#include "traces.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char dots[] = "...";
enum { DOTS = sizeof dots - 1, LEAST_COLUMNS = 8, SYMBOL_COLUMNS_LEAST = 33 };

FILE *screen;

size_t screen_columns(void)
{
    struct winsize size;

    if (ioctl(fileno(screen), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return SCREEN_COLUMNS;
    return size.ws_col < SCREEN_COLUMNS_LEAST ? SCREEN_COLUMNS_LEAST : size.ws_col;
}

static void append(struct lines *lines, size_t indent, const char *text, size_t length)
{
    char *line;

    if (asprintf(&line, "%*s%.*s", (int)indent, "", (int)length, text) < 0)
        die(3, "out of memory");
    lines->at = grow(lines->at, lines->count, sizeof *lines->at);
    lines->at[lines->count++] = line;
}

/* Where to break the line: at a space, if there is one. */
static size_t break_at(const char *text, size_t width)
{
    size_t at = width;

    if (strlen(text) <= width)
        return strlen(text);
    while (at > width / 3 && text[at] != ' ')
        at--;
    return text[at] == ' ' ? at : width;
}

void lines_add(struct lines *lines, const char *format, ...)
{
    size_t columns = lines->columns != 0 ? lines->columns : screen_columns();
    size_t indent;
    const char *at;
    char *line;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0)
        die(3, "out of memory");
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ') /* from a file's name, or from the program's output */
            *c = ' ';
    indent = strspn(line, " ");
    for (at = line + indent; *at != '\0' || at == line + indent;) {
        size_t part = break_at(at, columns - indent);

        append(lines, indent, at, part);
        at += part;
        at += strspn(at, " ");
        if (*at == '\0')
            break;
        if (at - line == (ptrdiff_t)(indent + part + strspn(line + indent + part, " ")))
            indent += 4;
    }
    free(line);
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

struct amount sizes_of(const struct group *group)
{
    struct amount text;

    if (group->size_least == group->size_most)
        snprintf(text.text, sizeof text.text, "%" PRIu64, group->size_most);
    else
        snprintf(text.text, sizeof text.text, "%" PRIu64 " to %" PRIu64, group->size_least,
                 group->size_most);
    return text;
}

const char *from_here(const char *file)
{
    char here[PATH_MAX];
    size_t length;

    if (getcwd(here, sizeof here) == NULL)
        return file;
    length = strlen(here);
    return strncmp(file, here, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

/* The Rust library's files without the compiler's commit, 40 digits: "/rustc/.../library/std/...".
 * To shown, if it is one of them and there is room. */
static const char *without_commit(const char *file, char *shown, size_t room)
{
    static const char folder[] = "/rustc/";
    const char *commit = file + strlen(folder);
    size_t digits;

    if (strncmp(file, folder, strlen(folder)) != 0)
        return file;
    digits = strspn(commit, "0123456789abcdef");
    if (digits != 40 || commit[digits] != '/' ||
        snprintf(shown, room, "%s...%s", folder, commit + digits) >= (int)room)
        return file;
    return shown;
}

/* The columns left for a function, beside the file's own name and the other text; the file's
 * folders are the first to be cut. */
static size_t symbol_columns(const char *file, size_t others, size_t width)
{
    bool folders = strchr(file, '/') != NULL;
    size_t taken = strlen(folders ? ".../ ()" : " ()") + strlen(base_name(file)) + others;

    return width < taken + LEAST_COLUMNS ? LEAST_COLUMNS : width - taken;
}

/* ":12 (function), by libfoo.so": the program itself is not named. "(function, line lost)" if the
 * optimiser has left no line for the code. */
static void describe(char *text, size_t room, const struct place *place, const char *file,
                     size_t width)
{
    char line[32] = "";
    char library[32] = "";
    const char *module = base_name(place->module);
    const char *lost = place->line == UNKNOWN ? ", line lost" : "";
    char *symbol;

    if (*file != '\0' && place->line != UNKNOWN)
        snprintf(line, sizeof line, ":%" PRIu64, place->line);
    if (*file != '\0' && strstr(module, ".so") != NULL)
        snprintf(library, sizeof library, ", by %.24s", module);
    if (!known(place->symbol)) {
        snprintf(text, room, "%s%s", line, library);
        return;
    }
    symbol = need(strdup(place->symbol));
    shorten(symbol, symbol_columns(file, strlen(line) + strlen(library) + strlen(lost), width));
    snprintf(text, room, "%s (%s%s)%s", line, symbol, lost, library);
    free(symbol);
}

/* A place without a known line: "function (libfoo.so+0x123)", or only the part in brackets. */
static void locate_frame(struct location *text, const struct place *place, const char *site,
                         size_t width)
{
    char frame[128];
    char *symbol;

    if (place->frame == NULL && !known(site)) {
        snprintf(text->text, sizeof text->text, "an unknown place");
        return;
    }
    if (place->frame != NULL)
        snprintf(frame, sizeof frame, "%s", place->frame);
    else /* the first frame: module+0xoffset */
        snprintf(frame, sizeof frame, "%.*s", (int)strcspn(site, ";"), site);
    if (!known(place->symbol)) {
        snprintf(text->text, sizeof text->text, "%s", frame);
        return;
    }
    symbol = need(strdup(place->symbol));
    shorten(symbol, symbol_columns(frame, 0, width));
    snprintf(text->text, sizeof text->text, "%s (%s)", symbol, frame);
    free(symbol);
}

/* Enough for the file's own name, the line, and a recognisable part of the function. */
size_t location_columns_least(const struct place *place)
{
    size_t symbol = known(place->symbol) ? strlen(place->symbol) + strlen(" ()") : 0;
    size_t others;
    char rest[64];

    if (symbol > SYMBOL_COLUMNS_LEAST)
        symbol = SYMBOL_COLUMNS_LEAST;
    if (!known(place->file))
        return symbol + (place->frame == NULL ? SYMBOL_COLUMNS_LEAST : strlen(place->frame));
    others = (size_t)snprintf(rest, sizeof rest, ":%" PRIu64, place->line);
    if (strstr(base_name(place->module), ".so") != NULL)
        others += strlen(", by ") + strlen(base_name(place->module));
    return DOTS + strlen(base_name(place->file)) + others + symbol;
}

struct location location(const struct place *place, const char *site, size_t width)
{
    char shown[PATH_MAX];
    const char *file =
        known(place->file) ? without_commit(from_here(place->file), shown, sizeof shown) : "";
    size_t length = strlen(file);
    struct location text;
    char rest[sizeof text.text / 2];
    size_t left;

    if (width > sizeof rest - 1)
        width = sizeof rest - 1;
    if (length == 0) {
        locate_frame(&text, place, site, width);
        return text;
    }
    describe(rest, sizeof rest, place, file, width);
    left = strlen(rest) + DOTS + 1 < width ? width - strlen(rest) : DOTS + 1;
    if (length <= left)
        snprintf(text.text, sizeof text.text, "%.*s%s", (int)left, file, rest);
    else /* the end of a path says more than its beginning */
        snprintf(text.text, sizeof text.text, "%s%s%s", dots, file + length - (left - DOTS), rest);
    return text;
}
