/*
 * demangle.c - names as people write them: libiberty demangles C++ and both schemes of Rust; what
 * compilers and libraries add to a name for their own use is removed here.
 */
#include "audit.h"
#include "traces.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#if HAVE_LIBIBERTY
#include <libiberty/demangle.h>
#endif

/* A cache: inlined functions occur often, and each is demangled once. */
static struct {
    const char **symbols; /* open addressing, at most half full */
    const char **names;
    size_t room;
    size_t count;
} known_names;

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash ^ hash >> 32;
}

/* The slot of symbol, or the free one for it. */
static size_t slot(const char *symbol)
{
    size_t at = hash_text(symbol) & (known_names.room - 1);

    while (known_names.symbols[at] != NULL && strcmp(known_names.symbols[at], symbol) != 0)
        at = (at + 1) & (known_names.room - 1);
    return at;
}

static void make_room(void)
{
    const char **symbols = known_names.symbols;
    const char **names = known_names.names;
    size_t room = known_names.room;

    if (2 * known_names.count < room)
        return;
    known_names.room = room == 0 ? 1024 : 2 * room;
    known_names.symbols = need(calloc(known_names.room, sizeof *symbols));
    known_names.names = need(calloc(known_names.room, sizeof *names));
    for (size_t i = 0; i < room; i++) {
        if (symbols[i] == NULL)
            continue;
        known_names.names[slot(symbols[i])] = names[i];
        known_names.symbols[slot(symbols[i])] = symbols[i];
    }
    free(symbols);
    free(names);
}

/* ---- Removing additions */

/* ".constprop.0", ".llvm.1234": a function that the compiler has copied, split or renamed is still
 * the same function. */
static void cut_suffixes(char *symbol)
{
    static const char *const suffixes[] = {".llvm",   ".cold",     ".constprop", ".isra",
                                           ".part",   ".lto_priv", ".clone",     ".localalias",
                                           ".resume", ".warm"};

    for (char *dot; (dot = strrchr(symbol, '.')) != NULL && dot > symbol;) {
        char *last = dot;
        bool found = false;

        if (dot[1] != '\0' && dot[1 + strspn(dot + 1, "0123456789")] == '\0') {
            *dot = '\0'; /* a number, after one of the words or on its own */
            last = strrchr(symbol, '.');
            if (last == NULL || last == symbol)
                return;
        }
        for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
            found = found || strcmp(last, suffixes[i]) == 0;
        if (found)
            *last = '\0';
        else if (last == dot)
            return;
    }
}

static void cut_out(char *from, const char *to)
{
    memmove(from, to, strlen(to) + 1);
}

static void replace_all(char *name, const char *what, const char *shorter)
{
    for (char *at = name; (at = strstr(at, what)) != NULL; at += strlen(shorter)) {
        cut_out(at + strlen(shorter), at + strlen(what));
        for (size_t i = 0; shorter[i] != '\0'; i++)
            at[i] = shorter[i];
    }
}

/* The length of an operator's name, whose < and > are no brackets; 0 if it is none. at is after
 * "operator". */
static size_t operator_length(const char *at)
{
    return strspn(at, "<>=-!");
}

/* The position after the bracket that matches the one at open; NULL if there is none. */
static char *behind_bracket(char *open)
{
    size_t depth = 0;

    for (char *at = open; *at != '\0'; at++) {
        if (strncmp(at, "operator", 8) == 0 && at > open && !isalnum((unsigned char)at[-1]) &&
            at[-1] != '_') {
            at += 8 + operator_length(at + 8) - 1;
            continue;
        }
        if (*at == '<')
            depth++;
        else if (*at == '>' && at[-1] != '-' && --depth == 0)
            return at + 1;
    }
    return NULL;
}

/* Removes default template arguments, which nobody writes. */
static void cut_defaults(char *name)
{
    static const char *const defaults[] = {
        ", std::allocator<", ", std::char_traits<",    ", std::less<",          ", std::hash<",
        ", std::equal_to<",  ", std::default_delete<", ", alloc::alloc::Global"};

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        for (char *at = name; (at = strstr(at, defaults[i])) != NULL;) {
            char *open = at + strlen(defaults[i]) - 1;
            char *end = *open == '<' ? behind_bracket(open) : open + 1;

            if (end == NULL)
                break;
            cut_out(at, end);
        }
    }
}

static void tidy(char *name)
{
    replace_all(name, "[abi:cxx11]", "");
    replace_all(name, "std::__cxx11::", "std::");
    replace_all(name, "std::__1::", "std::");
    cut_defaults(name);
    replace_all(name, "std::basic_string<char>", "std::string");
    replace_all(name, "std::basic_string<char >", "std::string");
    replace_all(name, " >", ">");
}

const char *demangle(const char *symbol, struct strings *strings)
{
    char *name;
    char *plain;
    size_t at;

    make_room();
    at = slot(symbol);
    if (known_names.symbols[at] != NULL)
        return known_names.names[at];
    plain = need(strdup(symbol));
    cut_suffixes(plain);
    name = NULL;
#if HAVE_LIBIBERTY
    if (plain[0] == '_')
        name = cplus_demangle(plain, DMGL_AUTO | DMGL_ANSI);
#endif
    if (name == NULL)
        name = need(strdup(plain));
    tidy(name);
    known_names.symbols[at] = strings_add(strings, symbol);
    known_names.names[at] = strings_add(strings, name);
    known_names.count++;
    free(plain);
    free(name);
    return known_names.names[at];
}

/* ---- Shortening */

static const char dots[] = "...";
enum { DOTS = sizeof dots - 1 };

/* The longest pair of brackets that contains more than dots; one at the start of the name (Rust's
 * <T as Trait>) comes last. */
static char *longest_bracket(char *name)
{
    char *longest = NULL;
    ptrdiff_t length = 0;

    for (char *at = name; *at != '\0'; at++) {
        char *end;

        if (strncmp(at, "operator", 8) == 0) {
            at += 8 + operator_length(at + 8) - 1;
            continue;
        }
        if (*at != '<' || (end = behind_bracket(at)) == NULL || end - at <= DOTS + 2)
            continue;
        if (end - at > length || longest == name) {
            longest = at;
            length = end - at;
        }
        if (at != name)
            at = end - 1;
    }
    return longest;
}

/* The position after the first "::" outside of brackets. */
static char *second_part(char *name)
{
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '<') {
            char *end = behind_bracket(at);

            if (end == NULL)
                return NULL;
            at = end - 1;
        } else if (at[0] == ':' && at[1] == ':') {
            return at + 2;
        }
    }
    return NULL;
}

void shorten(char *name, size_t width)
{
    char *at;

    while (strlen(name) > width && (at = longest_bracket(name)) != NULL) {
        cut_out(at + 1 + DOTS, behind_bracket(at) - 1);
        memcpy(at + 1, dots, DOTS);
    }
    while (strlen(name) > width) {
        char *rest = strncmp(name, "...::", 5) == 0 ? name + 5 : name;

        at = second_part(rest);
        if (at == NULL || at - name < 6)
            break;
        memcpy(name, "...::", 5);
        cut_out(name + 5, at);
    }
    if (strlen(name) > width && width > DOTS)
        memcpy(name + width - DOTS, dots, sizeof dots);
}
