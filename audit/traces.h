/*
 * traces.h - call stacks as the library wrote them: frames in objects, and their names.
 *
 * All of it is kept until the end.
 */
#ifndef TRACES_H
#define TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file that was loaded. */
struct object {
    const char *path;     /* "" if it is not known */
    const char *build_id; /* "" if it has none */
    const char *readable; /* the file to look names up in; NULL if there is none: see changed */
    bool changed;         /* there is a file at path, but it is not the one that ran */
    bool used;            /* a frame is in it */
    bool unlined;         /* a place in it is shown without a line, for lack of debug information */
};

/* How far a scope is from code that the reader can change. */
enum owner {
    OWNER_USER,
    OWNER_LIBRARY, /* another package, a wrapper, or code that the user asked to skip */
    OWNER_RUNTIME, /* the language's or the C library's own */
};

/* A function, or one that was inlined into it. */
struct scope {
    const char *function; /* demangled; "NA" if it is not known */
    const char *file;     /* "NA" if it is not known */
    uint64_t line;        /* UNKNOWN if it is not known */
    enum owner owner;
    bool allocates; /* it leads into the allocator: what it calls is part of that */
};

/* A place in the code: a call, and the calls around it that were inlined. */
struct frame {
    uint32_t object;
    uint64_t offset;
    const struct scope *scopes; /* innermost first; at least one when frames have been named */
    uint32_t scope_count;
};

/* A stack, innermost first. Number 0 is the empty one. */
struct trace {
    const uint32_t *frames;
    uint32_t count;
};

/* The number of the stack in a report's columns stack and objects; where these are NA, as in old
 * reports, of the columns site and module. Equal stacks have equal numbers. */
uint32_t trace_add(const char *stack, const char *objects, const char *site, const char *module);
struct trace trace_at(uint32_t number);

const struct object *object_at(uint32_t number);
struct object *objects_all(size_t *count);
struct frame *frames_all(size_t *count);
const struct frame *frame_at(uint32_t number);

/* ---- symbolize.c: looks up the names of all frames. */
void frames_name(void);
bool frames_have_lines(void); /* false when what reads debug information is not installed */

/* ---- blame.c: which scope stands for a stack */

/* Scopes whose function or file matches glob do not count as the user's; @FILE has one glob per
 * line. Exits 2 with a line when FILE cannot be read. */
void blame_skip(const char *glob);
void blame_judge(const struct object *object, struct scope *scope);

/* The innermost scope of the user's; if there is none, the outermost one of a library; NULL for the
 * empty stack. *frame is its frame. */
const struct scope *blame(uint32_t trace, const struct frame **frame);

/* ---- demangle.c */

struct strings;

/* The demangled name of a function. */
const char *demangle(const char *symbol, struct strings *strings);

/* Shortens a name to width columns, its template arguments first. name is changed in place. */
void shorten(char *name, size_t width);

#endif
