/*
 * names.c - implements just enough of the mangling schemes to read a path: Itanium C++ ABI 5.1, Rust RFC 2603, and
 * Rust's older scheme, which is Itanium's with a hash at the end.
 */
#include "names.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct path {
    char *text;
    size_t room;
    size_t length;
    unsigned depth; /* of recursion: limited, since a symbol may be malformed */
};

enum { DEPTH_MAX = 64 };

static void append(struct path *path, const char *text, size_t length)
{
    if (path->length > 0 && path->length + 2 < path->room) {
        memcpy(path->text + path->length, "::", 2);
        path->length += 2;
    }
    if (path->length + length >= path->room)
        length = path->room - 1 - path->length;
    memcpy(path->text + path->length, text, length);
    path->length += length;
    path->text[path->length] = '\0';
}

/* Reads a decimal number, and moves *at past it. Saturates far above the length of any symbol. */
static size_t number(const char **at)
{
    size_t value = 0;

    for (; isdigit((unsigned char)**at); ++*at)
        value = value < 100000 ? value * 10 + (size_t)(**at - '0') : value;
    return value;
}

/* Reads LENGTH IDENTIFIER. False if there is something else. */
static bool identifier(const char **at, struct path *path)
{
    size_t length;

    if (!isdigit((unsigned char)**at))
        return false;
    length = number(at);
    if (length == 0 || strnlen(*at, length) < length)
        return false;
    append(path, *at, length);
    *at += length;
    return true;
}

/* ---- C++ ---- */

/* Returns the place after the E that ends the argument list. */
static const char *skip_arguments(const char *at)
{
    unsigned open = 1;

    while (*at != '\0' && open > 0) {
        char now = *at++;

        if (isdigit((unsigned char)now)) {
            size_t length;

            at--;
            length = number(&at);
            at += strnlen(at, length);
        } else if (now == 'E') {
            open--;
        } else if (now == 'L' && islower((unsigned char)*at)) { /* a literal: skip its value */
            while (*at != '\0' && *at++ != 'E')
                ;
        } else if (strchr("INXJFL", now) != NULL || (now == 'D' && (*at == 'T' || *at == 't'))) {
            open++;
        } else if (now == 'S' && (islower((unsigned char)*at))) {
            at++;
        }
    }
    return at;
}

static void constructor(struct path *path, bool destroys)
{
    const char *class = path->text;
    char name[256];
    size_t length;

    for (const char *next; (next = strstr(class, "::")) != NULL;)
        class = next + 2;
    length = strlen(class);
    if (length + 1 >= sizeof name)
        return;
    name[0] = '~';
    memcpy(name + destroys, class, length);
    append(path, name, length + destroys);
}

static bool is_hash(const char *at)
{
    return strncmp(at, "17h", 3) == 0 && strspn(at + 3, "0123456789abcdef") == 16 && at[19] == 'E';
}

/* False if it is something else: an operator, or a name local to a function. */
static bool read_cxx(const char *at, struct path *path)
{
    bool nested = *at == 'N';

    at += nested;
    while (nested && *at != '\0' && strchr("rVKRO", *at) != NULL)
        at++;
    while (*at != 'E' && *at != '\0') {
        if (*at == 'L') {
            at++;
        } else if (*at == 'S' && at[1] == 't') {
            append(path, "std", 3);
            at += 2;
            if (!nested)
                nested = true; /* std::NAME, without an E */
        } else if (*at == 'I') {
            at = skip_arguments(at + 1);
        } else if (*at == 'B') { /* a tag, such as cxx11 */
            size_t length = (++at, number(&at));

            at += strnlen(at, length);
        } else if (nested && (*at == 'C' || *at == 'D') && isdigit((unsigned char)at[1])) {
            constructor(path, *at == 'D');
            return true;
        } else if (nested && is_hash(at)) {
            break;
        } else if (!identifier(&at, path)) {
            return false;
        } else if (!nested) {
            return true;
        }
    }
    return path->length > 0;
}

/* ---- Rust ---- */

static unsigned digit_62(char digit)
{
    if (isdigit((unsigned char)digit))
        return (unsigned)(digit - '0');
    return islower((unsigned char)digit) ? (unsigned)(digit - 'a') + 10
                                         : (unsigned)(digit - 'A') + 36;
}

static size_t number_62(const char **at)
{
    size_t value = 0;

    if (**at == '_') {
        ++*at;
        return 0;
    }
    for (; isalnum((unsigned char)**at); ++*at)
        value = value < 100000 ? value * 62 + digit_62(**at) : value;
    *at += **at == '_';
    return value + 1;
}

static void disambiguator(const char **at)
{
    if (**at != 's')
        return;
    ++*at;
    number_62(at);
}

static bool rust_identifier(const char **at, struct path *path)
{
    size_t length;

    disambiguator(at);
    *at += **at == 'u';
    if (!isdigit((unsigned char)**at))
        return false;
    length = number(at);
    *at += **at == '_';
    if (strnlen(*at, length) < length)
        return false;
    append(path, length == 0 ? "{closure}" : *at, length == 0 ? 9 : length);
    *at += length;
    return true;
}

static bool read_rust(const char *start, const char **at, struct path *path);

/* Reads the path of the type that something is implemented for. */
static bool read_self(const char *start, const char **at, struct path *path)
{
    if (**at != '\0' && strchr("NCIBMXY", **at) != NULL)
        return read_rust(start, at, path);
    return false;
}

static bool read_impl(const char *start, const char **at, struct path *path, bool has_place)
{
    size_t length = path->length;

    if (has_place) { /* where the impl stands is not part of the name */
        disambiguator(at);
        if (!read_rust(start, at, path))
            return false;
        path->length = length;
        path->text[length] = '\0';
    }
    return read_self(start, at, path);
}

static bool read_back(const char *start, const char **at, struct path *path)
{
    size_t offset = number_62(at);
    const char *there = start + offset;

    return offset < (size_t)(*at - start) && read_rust(start, &there, path);
}

static bool read_one(const char *start, const char **at, struct path *path)
{
    size_t length;

    switch (*(*at)++) {
    case 'C':
        return rust_identifier(at, path);
    case 'N':
        if (**at == '\0')
            return false;
        ++*at; /* the name space */
        return read_rust(start, at, path) && rust_identifier(at, path);
    case 'I':
        if (!read_rust(start, at, path))
            return false;
        *at = skip_arguments(*at);
        return true;
    case 'M':
        return read_impl(start, at, path, true);
    case 'X':
    case 'Y':
        if (!read_impl(start, at, path, (*at)[-1] == 'X'))
            return false;
        length = path->length;
        if (!read_rust(start, at, path))
            return false;
        path->length = length; /* drop the trait */
        path->text[length] = '\0';
        return true;
    case 'B':
        return read_back(start, at, path);
    default:
        return false;
    }
}

static bool read_rust(const char *start, const char **at, struct path *path)
{
    bool read;

    if (path->depth == DEPTH_MAX || **at == '\0')
        return false;
    path->depth++;
    read = read_one(start, at, path);
    path->depth--;
    return read;
}

/* ---- All schemes ---- */

static bool read_path(const char *symbol, struct path *path)
{
    const char *at = symbol + 2;

    if (strncmp(symbol, "_Z", 2) == 0)
        return read_cxx(at, path);
    return strncmp(symbol, "_R", 2) == 0 && read_rust(at, &at, path);
}

void zk_name_path(const char *symbol, char *path, size_t room)
{
    struct path out = {.text = path, .room = room};

    path[0] = '\0';
    if (read_path(symbol, &out))
        return;
    out.length = 0;
    append(&out, symbol, strcspn(symbol, ".@"));
}

enum zk_match zk_name_match(const char *symbol, const char *wanted)
{
    size_t length = strlen(wanted);
    char path[512];
    size_t all;

    if (strncmp(symbol, wanted, length) == 0 && (symbol[length] == '\0' || symbol[length] == '@'))
        return ZK_MATCH_WHOLE;
    if (strstr(symbol, ".cold") != NULL) /* a split-off part of a function, not its start */
        return ZK_MATCH_NONE;
    zk_name_path(symbol, path, sizeof path);
    all = strlen(path);
    if (strcmp(path, wanted) == 0)
        return ZK_MATCH_WHOLE;
    if (all > length + 2 && strcmp(path + all - length, wanted) == 0 &&
        strncmp(path + all - length - 2, "::", 2) == 0)
        return ZK_MATCH_END;
    return strstr(path, wanted) != NULL || strstr(symbol, wanted) != NULL ? ZK_MATCH_PART
                                                                          : ZK_MATCH_NONE;
}
