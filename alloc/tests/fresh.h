/*
 * fresh.h - runs each test body in a process of its own.
 *
 * The allocator's state is per process and its configuration is fixed by the first begin. So a test
 * is a plain function of CHECKs, and the list at the end of each file gives the environment that it
 * runs in and what it must print:
 *
 *     FRESH(blocks_do_not_overlap, .env = {BLIND, ALL_SIZES}),
 *     FRESH(escape_without_catch, .status = 128 + SIGABRT, .says = {"zk_escape"}),
 *
 * If `says` is set, the test must print exactly one line on stderr, which contains all of these
 * strings; otherwise nothing. A child that hangs is killed by SIGALRM and fails.
 *
 * Nothing is reported to a memory debugger, so that the fast paths run under AddressSanitizer too;
 * a test that wants that has TOLD in its environment.
 */
#ifndef ZK_FRESH_H
#define ZK_FRESH_H

#include "os.h"
#include "zkalloc.h"

/* cmocka.h needs these, and does not include them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLIND     "ZK_ALLOC_RECYCLE=blind"
#define ALL_SIZES "ZK_ALLOC_MIN_BYTES=0"
#define UNTENURED "ZK_ALLOC_PRETENURE=off"
#define TOLD      "ZK_ALLOC_TOOLS=tell"
#define SLAB_1M   "ZK_ALLOC_SLAB_GB=0.0009765625"
#define SLAB_16M  "ZK_ALLOC_SLAB_GB=0.015625"
#define SLAB_64M  "ZK_ALLOC_SLAB_GB=0.0625"
#define SLAB_512M "ZK_ALLOC_SLAB_GB=0.5"
#define SLAB_1G   "ZK_ALLOC_SLAB_GB=1"

enum { MIB = 1 << 20, FRESH_SKIPPED = 77, FRESH_LIMIT_S = 60, FORK_LIMIT_S = 20 };

/* ---- Sanitizers ---- */

#ifdef __SANITIZE_ADDRESS__
/* malloc of a huge size gives NULL, as it does without AddressSanitizer. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

#ifdef __SANITIZE_THREAD__
/* The same; and a race gives exit status 66, also in a child forked beside running threads. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1:halt_on_error=1:die_after_fork=0";
}
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#ifdef __SANITIZE_THREAD__
enum { THREAD_SANITIZED = 1 };
#else
enum { THREAD_SANITIZED = 0 };
#endif

/* ---- In the child ---- */

/* Usable on any thread, and in children of the child: a failure fails the whole test. */
#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, errno))

__attribute__((noreturn)) static inline void check_failed(const char *file, int line,
                                                          const char *condition, int error)
{
    dprintf(STDERR_FILENO, "%s:%d: CHECK(%s) failed; errno is %d\n", file, line, condition, error);
    _exit(1);
}

__attribute__((noreturn)) static inline void skip_because(const char *reason)
{
    dprintf(STDERR_FILENO, "skipped: %s\n", reason);
    _exit(FRESH_SKIPPED);
}

/* Skips the test if the trap cannot see system calls. */
__attribute__((noreturn)) static inline void skip_undispatched(void)
{
    skip_because(
        THREAD_SANITIZED
            ? "no syscall user dispatch: ThreadSanitizer's functions cannot run where calls are made"
            : "this kernel has no syscall user dispatch");
}

/* A value from /proc/self/status in bytes: "VmRSS:" is what is resident, "VmSize:" the address space. */
static inline size_t status_bytes(const char *name)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    size_t kib = 0;

    if (status == NULL)
        skip_because("no /proc/self/status");
    while (kib == 0 && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtoul(line + strlen(name), NULL, 10);
    fclose(status);
    CHECK(kib > 0);
    return kib << 10;
}

static inline size_t resident_bytes(void)
{
    return status_bytes("VmRSS:");
}

/* Forks a child of the child, which runs body(arg), and returns its exit status. */
static inline int status_of_fork(void (*body)(void *arg), void *arg)
{
    pid_t child = fork();
    int status;

    CHECK(child >= 0);
    if (child == 0) {
        alarm(FORK_LIMIT_S); /* a child does not inherit the alarm */
        body(arg);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0)
        dprintf(STDERR_FILENO, "a child of the child %s %d\n",
                WIFSIGNALED(status) ? "died of signal" : "ended with status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline pthread_t start_thread(void *(*body)(void *arg), void *arg)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, body, arg) == 0);
    return thread;
}

static inline void join_thread(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Runs body(arg) on a new thread, and joins that. */
static inline void run_thread(void *(*body)(void *arg), void *arg)
{
    join_thread(start_thread(body, arg));
}

/* For run_thread: frees a block on another thread. */
static inline void *free_block(void *p)
{
    zk_free(p);
    return NULL;
}

static inline void begin_phase(void)
{
    CHECK(zk_begin_phase() == 0);
}

static inline void end_phase(void)
{
    CHECK(zk_end_phase() == 0);
}

static inline struct zk_stats stats_now(void)
{
    struct zk_stats stats;

    CHECK(zk_stats(&stats) == 0);
    return stats;
}

/* A block that must come from the arena, or from system. */
static inline void *arena_block(size_t size)
{
    void *p = zk_malloc(size);

    CHECK(p != NULL && zk_owns(p));
    return p;
}

static inline void *system_block(size_t size)
{
    void *p = zk_malloc(size);

    CHECK(p != NULL && !zk_owns(p));
    return p;
}

/* The first byte of the slab that p lies in. Slabs are adjacent, each of slab_bytes. */
static inline char *slab_start_of(const void *p)
{
    size_t slab_bytes = (size_t)stats_now().slab_bytes;
    uintptr_t low = (uintptr_t)p; /* an address in the region */
    size_t below = slab_bytes;    /* low minus this may be outside of the region */
    size_t into_slab;

    CHECK(zk_owns(p));
    while (zk_owns((const void *)(low - slab_bytes)))
        low -= slab_bytes;
    while (below > 1) { /* low is in the first slab: find the start by bisection */
        size_t half = below / 2;

        if (zk_owns((const void *)(low - half)))
            low -= half;
        below -= half;
    }
    into_slab = ((uintptr_t)p - low) % slab_bytes;
    return (char *)(uintptr_t)p - into_slab;
}

static inline size_t round_up(size_t bytes, size_t multiple)
{
    return (bytes + multiple - 1) / multiple * multiple;
}

/* How much a block of size bytes takes up in a slab. */
static inline size_t granules(size_t size)
{
    return round_up(size == 0 ? 1 : size, 16);
}

static inline bool is_aligned(const void *p, size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0;
}

/* Eight bytes that differ between blocks, and between places in a block. */
static inline uint64_t pattern_at(size_t word, unsigned seed)
{
    uint64_t pattern =
        (word + 1) * 0x9e3779b97f4a7c15u + (seed + UINT64_C(1)) * 0xd1b54a32d192ed03u;

    return pattern ^ (pattern >> 29);
}

static inline void fill(void *p, size_t bytes, unsigned seed)
{
    char *to = p;

    for (size_t word = 0; word < bytes / 8; word++) {
        uint64_t pattern = pattern_at(word, seed);

        memcpy(to + 8 * word, &pattern, 8);
    }
    for (size_t i = bytes / 8 * 8; i < bytes; i++)
        to[i] = (char)(pattern_at(bytes / 8, seed) >> 8 * (i % 8));
}

static inline bool is_filled(const void *p, size_t bytes, unsigned seed)
{
    const char *from = p;

    for (size_t word = 0; word < bytes / 8; word++) {
        uint64_t pattern;

        memcpy(&pattern, from + 8 * word, 8);
        if (pattern != pattern_at(word, seed))
            return false;
    }
    for (size_t i = bytes / 8 * 8; i < bytes; i++)
        if (from[i] != (char)(pattern_at(bytes / 8, seed) >> 8 * (i % 8)))
            return false;
    return true;
}

static inline bool is_all(const void *p, size_t bytes, unsigned char value)
{
    const char *from = p;

    return bytes == 0 || (from[0] == (char)value && memcmp(from, from + 1, bytes - 1) == 0);
}

/* The same sequence in every run. *state must not be 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline size_t random_below(uint64_t *state, size_t limit)
{
    return (size_t)(next_random(state) % limit);
}

/* Mostly small, sometimes many chunks. */
static inline size_t random_size(uint64_t *state)
{
    static const size_t limits[] = {17, 200, 200, 5000, 5000, 5000, 100000, 2 * MIB};

    return random_below(state, limits[random_below(state, sizeof limits / sizeof *limits)]);
}

/* ---- In the parent ---- */

struct fresh_case {
    void (*body)(void);
    const char *env[6];  /* NAME=value; every other ZK_ALLOC_ variable is unset */
    const char *says[6]; /* all of these are in the one line on stderr; none: no line */
    size_t lines;        /* if not one */
    int status;          /* expected exit status, or 128 + signal */
    size_t number;       /* for the body: fresh_number */
};

#define FRESH(test, ...) FRESH_AS(#test, test, __VA_ARGS__)

#define FRESH_AS(title, test, ...)                                                                 \
    {                                                                                              \
        .name = title, .test_func = fresh_run, .initial_state = &(struct fresh_case)               \
        {                                                                                          \
            .body = test, __VA_ARGS__                                                              \
        }                                                                                          \
    }

/* The number of the running case. */
static size_t fresh_number __attribute__((unused));

__attribute__((noreturn)) static inline void fresh_child(const struct fresh_case *test, FILE *said)
{
    static const int caught[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS}; /* by cmocka */
    bool unset;

    do {
        unset = false;
        for (char **entry = environ; *entry != NULL && !unset; entry++) {
            char name[256];

            if (strncmp(*entry, "ZK_ALLOC_", 9) != 0)
                continue;
            snprintf(name, sizeof name, "%.*s", (int)strcspn(*entry, "="), *entry);
            unset = unsetenv(name) == 0;
        }
    } while (unset);
    putenv((char *)(uintptr_t) "ZK_ALLOC_TOOLS=ignore");
    for (size_t i = 0; i < sizeof test->env / sizeof *test->env && test->env[i] != NULL; i++)
        putenv((char *)(uintptr_t)test->env[i]);
    fresh_number = test->number;
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        signal(caught[i], SIG_DFL);
    dup2(fileno(said), STDERR_FILENO);
    zk_os_note_stderr(); /* stderr has been redirected on purpose */
    alarm(FRESH_LIMIT_S);
    test->body();
    _exit(0);
}

/* Counts lines, except a sanitizer's warnings (about a huge size that it refused). */
static inline size_t fresh_count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n')
        lines += strncmp(text, "==", 2) != 0 && strncmp(text, "qemu: uncaught", 14) != 0;
    return lines;
}

static inline void fresh_run(void **state)
{
    const struct fresh_case *test = *state;
    size_t lines = test->lines != 0 ? test->lines : test->says[0] != NULL;
    char text[16384];
    FILE *said = tmpfile();
    pid_t child;
    int status;

    assert_non_null(said);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        fresh_child(test, said);
    assert_int_equal(waitpid(child, &status, 0), child);
    status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    rewind(said);
    text[fread(text, 1, sizeof text - 1, said)] = '\0';
    fclose(said);

    if (status == FRESH_SKIPPED) {
        print_message("%s", text);
        skip();
    }
    if (status != test->status || fresh_count_lines(text) != lines)
        fputs(text, stderr);
    if (status != test->status)
        fail_msg("exit status %d, not %d", status, test->status);
    if (fresh_count_lines(text) != lines)
        fail_msg("%zu lines on stderr, not %zu", fresh_count_lines(text), lines);
    for (size_t i = 0; i < sizeof test->says / sizeof *test->says && test->says[i] != NULL; i++)
        if (strstr(text, test->says[i]) == NULL)
            fail_msg("not said: %s, but: %s", test->says[i], text);
}

#endif
