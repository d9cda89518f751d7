/*
 * locate.h - what the parts of zk-locate share: a function that was named, and where in a program or its libraries it is.
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

/* What PATH finds for a name without a slash; exits 2 with a line when there is none. */
char *program_path(const char *name);

/* Is it a program that a library can be preloaded into? A script is none itself: what it starts may be. Exits 2 with a line
 * for one that is linked statically. */
bool is_binary(const char *path);

/* All of them, the program first. */
struct modules modules_open(const char *program);
void modules_close(struct modules *modules);

/* ---- places.c */

/* What was asked for: FUNCTION[@MODULE] or FILE:LINE[@MODULE]. */
struct wanted {
    char *name;
    const char *module; /* or NULL */
    const char *text;   /* as it was given */
};

/* One function that may be meant. */
struct place {
    const struct module *module;
    uint64_t address; /* as the file has it */
    char *name;       /* as people write it */
};

struct places {
    struct place *at;
    size_t count;
    enum zk_match best;
    bool in_program;
};

/* Adds one, unless there is a better one, or the same; what is worse goes. */
void places_add(struct places *places, enum zk_match match, const struct module *module,
                uint64_t address, const char *name);
void places_free(struct places *places);

/* "a, b, c and 12 more", to be freed. */
char *places_names(const struct places *places);

bool in_module(const struct wanted *wanted, const struct module *module);

/* How well symbol has the name. */
enum zk_match match_symbol(const char *symbol, const char *name);

/* As people write it; to be freed. */
char *demangle(const char *symbol);

/* ---- debug.c: by debug information */

/* Functions into which one of that name was inlined. */
void find_inlined(const struct wanted *wanted, const struct modules *modules,
                  struct places *callers);

/* FILE:LINE, one place for each function that has code of it. *next: the next line with code, if there is none; 0
 * if there is no such file. */
void find_line(const struct wanted *wanted, const char *file, int line,
               const struct modules *modules, struct places *places, int *next);

#endif
