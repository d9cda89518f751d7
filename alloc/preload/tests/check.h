/*
 * check.h - what the two programs share that test malloc from outside: checks that count, and parts that
 * are run over and over, with an eye on resident memory. They know the C library's malloc, and nothing
 * of who may stand in for it.
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

/* The calls under test, which neither a compiler nor a linter has an opinion on. */
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

/* Says which one failed, and goes on. Any thread. */
bool check(bool holds, const char *what, const char *file, int line);

/* Checks that failed so far. */
unsigned check_failures(void);

struct part {
    const char *name;
    void (*run)(void);
};

/* Runs each part several times, and checks that the later ones do not add to what is resident. What
 * main returns. */
int check_parts(const struct part *parts, size_t count);

/* Bytes that tell which block they are in, and where. */
void fill(void *p, size_t bytes, unsigned key);
bool filled(const void *p, size_t bytes, unsigned key);

/* Runs body in a child process, and checks that it exits with 0. */
void check_in_child(void (*body)(void));

/* Checks that the process exits with 0. */
void check_exits(int pid);

#endif
