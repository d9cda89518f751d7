/*
 * environment.c - the environment that runs see.
 *
 * Only variables on a list of names are kept: any library may read any variable, so everything else
 * is removed. Some variables are read before main: by the loader, the C library and the
 * constructors of libraries. A program that was started with one of them has to start again without
 * it.
 */
#include "environment.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name that ends in * stands for every name with that prefix. */

/* Paths, user and terminal; and the settings of sanitizers and qemu, without which programs built
 * for them do not run. */
static const char *const kept[] = {
    "HOME",         "LOGNAME",      "NO_COLOR",     "PATH",          "PWD",
    "SHELL",        "TERM",         "TMPDIR",       "USER",          "QEMU_*",
    "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", NULL,
};

/* A repro started by hand can be told to audit through the environment; the profile decides the
 * rest of ZK_ALLOC_*. A limit on what a process may use is kept too: what needs more is skipped. */
static const char *const kept_by_hand[] = {
    "ZK_ALLOC_AUDIT",   "ZK_ALLOC_AUDIT_*", "ZK_ALLOC_TOOLS",
    "ZK_ALLOC_VERBOSE", "OMP_THREAD_LIMIT", NULL,
};

/* The loader, the C library, OpenMP of GCC and of LLVM, GLib, allocators (ours too), threads of Rust. */
static const char *const read_before_main[] = {
    "LD_*", "GLIBC_TUNABLES", "MALLOC_*", "OMP_*",      "GOMP_*",     "KMP_*",
    "G_*",  "ZK_ALLOC_*",     "RAYON_*",  "MIMALLOC_*", "TCMALLOC_*", NULL,
};

/* Is the name of variable, "name=value", in the list? */
static bool in(const char *const *names, const char *variable)
{
    size_t length = strcspn(variable, "=");

    for (; *names != NULL; names++) {
        size_t wanted = strcspn(*names, "*");

        if (((*names)[wanted] == '*' ? length >= wanted : length == wanted) &&
            strncmp(variable, *names, wanted) == 0)
            return true;
    }
    return false;
}

bool environment_clear(enum environment_of of, const char *program)
{
    bool had_read = false;
    size_t left = 0;

    signal(SIGCHLD, SIG_DFL);
    if (environ == NULL)
        return false;
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (in(kept, environ[i]) || (of == ENVIRONMENT_OF_REPRO && in(kept_by_hand, environ[i]))) {
            environ[left++] = environ[i];
            continue;
        }
        if (!in(read_before_main, environ[i]))
            continue;
        if (had_read)
            fputs(", ", stderr);
        else
            fprintf(stderr, "%s: without ", program);
        fprintf(stderr, "%.*s", (int)strcspn(environ[i], "="), environ[i]);
        had_read = true;
    }
    environ[left] = NULL;
    if (had_read)
        fputs(", which could change what runs show: --keep-env keeps the environment\n", stderr);
    return had_read;
}

/* Does this program run under zk-audit or valgrind, which work through its environment? */
static bool is_watched(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return getenv("ZK_ALLOC_AUDIT_WITNESS") != NULL ||
           (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL);
}

/* The index of word in argv; 0 when it is not there. */
static int find_word(const char *word, int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return i;
    return 0;
}

/* Returns only if it fails; what was read before main then stays in force. */
static void start_anew(const char *program, char **argv)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length > 0) {
        self[length] = '\0';
        execv(self, argv);
    }
    fprintf(stderr, "%s: cannot start again without them: %s: unset them yourself\n", program,
            strerror(errno));
}

int environment_define(const char *program, int argc, char **argv)
{
    int keep = find_word("--keep-env", argc, argv);

    if (keep != 0) {
        memmove(&argv[keep], &argv[keep + 1], (size_t)(argc - keep) * sizeof *argv);
        return argc - 1;
    }
    if (is_watched())
        return argc;
    if (environment_clear(ENVIRONMENT_OF_REPRO, program) &&
        find_word("--no-fork", argc, argv) == 0) {
        start_anew(program, argv);
        exit(3);
    }
    return argc;
}
