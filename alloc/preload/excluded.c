/*
 * excluded.c - refuses, in one line, to run with tools that replace malloc themselves: half of the
 * program's blocks would bypass one of the two.
 */
#include "zkalloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* Not NULL if the tool is in the program. */
__attribute__((weak)) void __asan_init(void);
__attribute__((weak)) void __hwasan_init(void);
__attribute__((weak)) void __msan_init(void);
__attribute__((weak)) void __tsan_init(void);

#define INSTEAD                                                                                    \
    " is malloc itself in this program, and excludes libzkalloc-preload.so: leave that out of "    \
    "LD_PRELOAD, or link libzkalloc.a and call zk_malloc\n"

/* Calls nothing that a sanitizer intercepts, since it has not started yet: not even strlen, write or
 * _exit. */
static void refuse(const char *line, size_t bytes)
{
    syscall(SYS_write, STDERR_FILENO, line, bytes);
    syscall(SYS_exit_group, 2);
}

#define REFUSE(tool)                                                                               \
    refuse("zkalloc: " tool INSTEAD, sizeof "zkalloc: " tool INSTEAD - sizeof(char))

static void refuse_sanitizers(void)
{
    if (__asan_init != NULL)
        REFUSE("AddressSanitizer");
    if (__hwasan_init != NULL)
        REFUSE("HWAddressSanitizer");
    if (__msan_init != NULL)
        REFUSE("MemorySanitizer");
    if (__tsan_init != NULL)
        REFUSE("ThreadSanitizer");
}

#ifdef RUNNING_ON_VALGRIND

static uint64_t served(void)
{
    struct zk_stats stats;

    zk_stats(&stats);
    return stats.arena_count + stats.system_count;
}

/* Is our malloc in use? Callgrind and some other tools leave malloc alone. */
static bool malloc_is_ours(void)
{
    uint64_t before = served();
    void *volatile p = malloc(1);
    uint64_t after = served();

    free(p);
    return after != before;
}

static void refuse_valgrind(void)
{
    if (RUNNING_ON_VALGRIND && !malloc_is_ours())
        REFUSE("Valgrind's tool");
}

#else

static void refuse_valgrind(void)
{
}

#endif

/* The dynamic linker resolves zk_excluded while it relocates this library, after the libraries that it
 * needs. That is before the sanitizers start, which would fail because of us: AddressSanitizer with a
 * message about library order, ThreadSanitizer with a null pointer. */
__attribute__((used)) static void (*resolve(void))(void) /* clang does not see ifunc name it */
{
    refuse_sanitizers();
    return refuse_valgrind;
}

__attribute__((visibility("hidden"), ifunc("resolve"))) void zk_excluded(void);

__attribute__((constructor)) static void load(void)
{
    zk_excluded();
}
