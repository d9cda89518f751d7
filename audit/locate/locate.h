/*
 * locate.h - what the parts of zk-locate share: the function that was asked for, and its places in
 * a program and its libraries.
 */
#ifndef LOCATE_H
#define LOCATE_H

#include "names.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__attribute__((format(printf, 1, 2), noreturn)) void refuse(const char *format, ...);
void *need(void *p); /* exits 3 when p is NULL */

/* ---- modules.c: the program and the libraries that it is linked with */

struct module {
    char *path;
    Dwfl *session;
    Dwfl_Module *dwfl;
    bool is_program;
};

struct modules {
    struct module *at;
    size_t count;
};

/* Looks up a name without a slash in PATH; exits 2 with a line when it is not there. */
char *program_path(const char *name);

/* Is the file a program that a library can be preloaded into? A script is not, though what it
 * starts may be. Exits 2 with a line if the program is linked statically. */
bool is_binary(const char *path);

/* The program, then its libraries. */
struct modules modules_open(const char *program);
void modules_close(struct modules *modules);

/* ---- places.c */

/* What was asked for: FUNCTION[@MODULE] or FILE:LINE[@MODULE]. */
struct wanted {
    char *name;
    const char *module; /* or NULL */
    const char *text;   /* the whole text, as given */
};

/* A function that the name may mean. */
struct place {
    const struct module *module;
    uint64_t address; /* in the file, before it is loaded */
    char *name;       /* demangled */
};

struct places {
    struct place *at;
    size_t count;
    enum zk_match best;
    bool in_program;
};

/* Adds a place, unless it is there already or a better match is; removes worse matches. */
void places_add(struct places *places, enum zk_match match, const struct module *module,
                uint64_t address, const char *name);
void places_free(struct places *places);

/* "a, b, c and 12 more", to be freed. */
char *places_names(const struct places *places);

bool in_module(const struct wanted *wanted, const struct module *module);

/* How well symbol matches the name. */
enum zk_match match_symbol(const char *symbol, const char *name);

/* The demangled name; to be freed. */
char *demangle(const char *symbol);

/* ---- debug.c: by debug information */

/* Finds the functions into which one of that name was inlined. */
void find_inlined(const struct wanted *wanted, const struct modules *modules,
                  struct places *callers);

/* Finds FILE:LINE, one place for each function with code of that line. If there is none, *next is
 * the next line with code; 0 if there is no such file. */
void find_line(const struct wanted *wanted, const char *file, int line,
               const struct modules *modules, struct places *places, int *next);

#endif
