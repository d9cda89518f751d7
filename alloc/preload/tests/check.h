/*
 * check.h - shared by the two programs that test malloc from outside: checks that are counted, and parts
 * that run over and over while resident memory is watched. They know the C library's malloc, not what
 * may have replaced it.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Sizes and pointers that the compiler may not reason about. */
#define OPAQUE(value)                                                                              \
    (__extension__({                                                                               \
        __typeof__(value) volatile opaque_ = (value);                                              \
        opaque_;                                                                                   \
    }))

/* The calls under test, through pointers, so that neither a compiler nor a linter reasons about
 * them. */
extern const volatile struct calls {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *p, size_t size);
    void *(*reallocarray)(void *p, size_t count, size_t size);
    void *(*aligned_alloc)(size_t align, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
} call;

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

/* Reports a failed check, and goes on. Any thread. */
bool check(bool holds, const char *what, const char *file, int line);

/* How many checks have failed so far. */
unsigned check_failures(void);

struct part {
    const char *name;
    void (*run)(void);
};

/* Runs each part several times, and checks that later runs do not increase resident memory. Returns
 * what main must return. */
int check_parts(const struct part *parts, size_t count);

/* Fills a block with bytes that depend on key and place; checks them. */
void fill(void *p, size_t bytes, unsigned key);
bool filled(const void *p, size_t bytes, unsigned key);

/* Runs body in a child process, and checks that it exits with 0. */
void check_in_child(void (*body)(void));

/* Checks that the process exits with 0. */
void check_exits(int pid);

#endif
