/*
 * traces.h - call stacks as the library wrote them: frames in objects, and what their names are.
 *
 * Everything here lives until the end.
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
    bool used;            /* by a frame */
    bool unlined; /* a place in it is shown without a line, for it has no debug information */
};

/* How far a scope is from what its reader can change. */
enum owner {
    OWNER_USER,
    OWNER_LIBRARY, /* somebody else's package, a wrapper, or what the user asked to skip */
    OWNER_RUNTIME, /* the language's or the C library's own */
};

/* A function, or one that was inlined into it. */
struct scope {
    const char *function; /* as people write it; "NA" if it is not known */
    const char *file;     /* "NA" if it is not known */
    uint64_t line;        /* UNKNOWN if it is not known */
    enum owner owner;
    bool allocates; /* the way into the allocator: what it calls is part of that */
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

/* The stack of a report's columns stack and objects; where these are NA, as before there were any, of the columns
 * site and module. Equal stacks have equal numbers. */
uint32_t trace_add(const char *stack, const char *objects, const char *site, const char *module);
struct trace trace_at(uint32_t number);

const struct object *object_at(uint32_t number);
struct object *objects_all(size_t *count);
struct frame *frames_all(size_t *count);
const struct frame *frame_at(uint32_t number);

/* ---- symbolize.c: looks up the names of all frames. */
void frames_name(void);
bool frames_have_lines(void); /* false when what reads debug information is not installed */

/* ---- blame.c: which scope a stack is shown by */

/* Scopes of functions or files that match it are not the user's; @FILE has one in each line. Exits 2 with a line
 * when FILE cannot be read. */
void blame_skip(const char *glob);
void blame_judge(const struct object *object, struct scope *scope);

/* The innermost scope that is the user's; if there is none, the outermost of a library; NULL of the empty stack.
 * *frame is where it is. */
const struct scope *blame(uint32_t trace, const struct frame **frame);

/* ---- demangle.c */

struct strings;

/* A function's name as people write it. */
const char *demangle(const char *symbol, struct strings *strings);

/* Shortens a name to width columns, in its template arguments first. name is cut in place. */
void shorten(char *name, size_t width);

#endif
