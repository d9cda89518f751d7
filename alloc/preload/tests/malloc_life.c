/*
 * malloc_life.c - malloc where a process changes: threads that start and end, forks with threads and
 * handlers that allocate, vfork, exec, spawn, libraries that are opened and closed, and the process's
 * end. Without a preload library this is the control: glibc itself must pass.
 */
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

unsigned library_forks(void);

static struct {
    pthread_key_t key;
    _Atomic(char *) handed_over[64]; /* blocks that one thread makes and another frees */
    _Atomic bool stop;
    char *prepared;
    unsigned forks;
    const char *loaded; /* path of the library to open */
} life;

/* ---- Threads ---- */

enum { handed_bytes = 900 };

static void churn(unsigned count, unsigned key)
{
    for (unsigned i = 0; i < count; i++) {
        size_t size = (i * 131 + key * 17) % 9000;
        char *p = call.malloc(size);
        char *mine = call.malloc(handed_bytes);
        char *theirs;

        fill(p, size, key);
        fill(mine, handed_bytes, 5);
        theirs = atomic_exchange(&life.handed_over[(i + key) % 64], mine);
        CHECK(theirs == NULL || filled(theirs, handed_bytes, 5));
        free(theirs);
        p = call.realloc(p, size + 500);
        CHECK(filled(p, size, key));
        free(p);
    }
}

/* Runs when a thread ends, as often as POSIX allows, each time with another block. */
static void thread_ends(void *of_thread)
{
    char *next = call.malloc(2000);

    CHECK(filled(of_thread, 2000, 6));
    fill(next, 2000, 6);
    churn(3, 1);
    free(of_thread);
    if (pthread_setspecific(life.key, next) != 0)
        free(next);
}

static void *thread_body(void *number)
{
    char *of_thread = call.malloc(2000);

    fill(of_thread, 2000, 6);
    pthread_setspecific(life.key, of_thread);
    churn(40, (unsigned)(size_t)number);
    return call.calloc(1, 100);
}

static void threads(void)
{
    enum { count = 200 };
    pthread_t thread[count];
    void *result;

    for (size_t i = 0; i < count; i++)
        CHECK(pthread_create(&thread[i], NULL, thread_body, (void *)i) == 0);
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_join(thread[i], &result) == 0);
        free(result);
    }
}

/* ---- Fork ---- */

static void prepare(void)
{
    life.prepared = call.malloc(4500);
    fill(life.prepared, 4500, 7);
    free(call.realloc(call.malloc(30), 8000));
}

static void after(void)
{
    CHECK(filled(life.prepared, 4500, 7));
    free(life.prepared);
    free(call.calloc(9, 999));
    life.forks++;
}

static void *churn_until_stopped(void *number)
{
    while (!atomic_load(&life.stop))
        churn(20, (unsigned)(size_t)number);
    return NULL;
}

static void grandchild_body(void)
{
    churn(30, 2);
}

/* In the child of a process with several threads only one is left; it allocates, frees what the
 * others made, and starts threads of its own. */
static void child_body(void)
{
    pthread_t thread;

    churn(100, 3);
    CHECK(pthread_create(&thread, NULL, thread_body, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    check_in_child(grandchild_body);
}

static void forked(void)
{
    pthread_t busy[3];
    char *before = call.malloc(20000);
    unsigned forks = life.forks;
    unsigned of_library = library_forks();

    fill(before, 20000, 8);
    atomic_store(&life.stop, false);
    for (size_t i = 0; i < 3; i++)
        CHECK(pthread_create(&busy[i], NULL, churn_until_stopped, (void *)i) == 0);
    for (unsigned i = 0; i < 10; i++) {
        check_in_child(child_body);
        CHECK(filled(before, 20000, 8));
    }
    atomic_store(&life.stop, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(busy[i], NULL);
    CHECK(life.forks == forks + 10 && library_forks() == of_library + 10);
    free(before);
}

/* ---- Other programs ---- */

static void execute(void)
{
    execl("/proc/self/exe", "malloc_life", "--child", (char *)NULL);
    _exit(9);
}

static void executed(void)
{
    char *const arguments[] = {"malloc_life", "--child", NULL};
    pid_t pid = vfork(); /* NOLINT: it exists, so it is tested */

    if (pid == 0)
        execute(); /* NOLINT: the linter does not know that it never returns */
    check_exits(pid);
    CHECK(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
    check_exits(pid);
    CHECK(system("exit 0") == 0);
    churn(50, 4);
}

/* ---- Libraries ---- */

typedef void *block_function(size_t size);

static void *block_of(void *library)
{
    union {
        void *object;
        block_function *function;
    } found = {.object = dlsym(library, "library_block")};

    return CHECK(found.object != NULL) ? found.function(3333) : NULL;
}

static void *open_library(void *blocks)
{
    void *library = dlopen(life.loaded, RTLD_NOW | RTLD_LOCAL);
    char **block = blocks;

    CHECK(library != NULL);
    if (library == NULL)
        return NULL;
    *block = block_of(library);
    fill(*block, 3333, 9);
    CHECK(dlsym(library, "no_such_function") == NULL && dlerror() != NULL);
    CHECK(dlclose(library) == 0);
    return NULL;
}

static void loaded(void)
{
    char *blocks[10] = {NULL};
    pthread_t thread;

    for (size_t i = 0; i < 10; i++) {
        if (i % 2 == 0) {
            open_library(&blocks[i]);
        } else {
            pthread_create(&thread, NULL, open_library, &blocks[i]);
            pthread_join(thread, NULL);
        }
        churn(50, 5);
    }
    for (size_t i = 0; i < 10; i++) { /* they outlive the library */
        CHECK(blocks[i] != NULL && filled(blocks[i], 3333, 9));
        free(blocks[i]);
    }
    CHECK(dlopen("/no/such/library.so", RTLD_NOW) == NULL && dlerror() != NULL);
}

/* ---- The end: every handler checks what was made before, and reports by the exit status ---- */

static char *until_the_end;

static void need(bool holds)
{
    if (!holds)
        _exit(1);
}

__attribute__((constructor)) static void load(void)
{
    until_the_end = call.malloc(12345);
    fill(until_the_end, 12345, 13);
    CHECK(pthread_key_create(&life.key, thread_ends) == 0);
    CHECK(pthread_atfork(prepare, after, after) == 0);
}

__attribute__((destructor)) static void unload(void)
{
    need(filled(until_the_end, 12345, 13));
    until_the_end = call.realloc(until_the_end, 50000);
    need(filled(until_the_end, 12345, 13));
    free(until_the_end);
    churn(30, 6);
    need(check_failures() == 0);
}

static void at_end(void)
{
    need(filled(until_the_end, 12345, 13));
    churn(30, 7);
    need(check_failures() == 0);
}

/* Each way of ending runs in a process of its own, in the middle of its work. */
static int end_by(const char *how)
{
    pthread_t thread;

    need(atexit(at_end) == 0);
    need(at_quick_exit(at_end) == 0);
    churn(200, 8);
    pthread_create(&thread, NULL, churn_until_stopped, NULL);
    churn(200, 9);
    if (strcmp(how, "_exit") == 0)
        _exit(0);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(0);
    if (strcmp(how, "pthread_exit") == 0) {
        pthread_detach(thread);
        atomic_store(&life.stop, true);
        pthread_exit(NULL);
    }
    return 0;
}

static void ended(void)
{
    static const char *const ways[] = {"_exit", "quick_exit", "pthread_exit", "return"};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char *const arguments[] = {"malloc_life", "--end", (char *)(size_t)ways[i], NULL};
        pid_t pid = -1;

        CHECK(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
        check_exits(pid);
    }
}

int main(int argc, char **argv)
{
    static const struct part parts[] = {
        {"threads", threads}, {"forked", forked}, {"executed", executed},
        {"loaded", loaded},   {"ended", ended},
    };

    if (argc == 3 && strcmp(argv[1], "--end") == 0)
        return end_by(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--child") == 0) {
        churn(100, 2);
        return check_failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (argc != 2) {
        fprintf(stderr, "malloc_life: no library to open: name it\n");
        return 2;
    }
    life.loaded = argv[1];
    return check_parts(parts, sizeof parts / sizeof *parts);
}
