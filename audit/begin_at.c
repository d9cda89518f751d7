/*
 * begin_at.c - phases that begin where the program enters a function. zk-locate, in our folder,
 * finds the function before the program runs; the library sets the breakpoint.
 */
#include "begin_at.h"
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct functions {
    const char *variable;
    const char **at;
    size_t count;
};

static struct functions begins = {.variable = "ZK_ALLOC_BEGIN_AT"};
static struct functions ends = {.variable = "ZK_ALLOC_END_AT"};

static void add(struct functions *functions, const char *function)
{
    if (*function == '\0')
        die(2, "--begin-at, --end-at: want a function, such as prove, my_prover::prove or "
               "prove.c:120");
    functions->at = grow(functions->at, functions->count, sizeof *functions->at);
    functions->at[functions->count++] = function;
}

void begin_at(const char *function)
{
    add(&begins, function);
}

void end_at(const char *function)
{
    add(&ends, function);
}

const char *begin_at_function(void)
{
    return begins.count > 0 ? begins.at[0] : NULL;
}

/* ---- Asking zk-locate */

static char *locate_path(void)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/zk-locate", own_folder());
    return access(path, X_OK) == 0 ? path : NULL;
}

static char *read_all(int fd)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = need(open_memstream(&text, &length));
    char chunk[4096];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        fwrite(chunk, 1, (size_t)got, out);
    fclose(out);
    return need(text);
}

/* Returns one function per line, in the form that the library takes. Exits with zk-locate's status
 * if that fails; zk-locate has printed why. */
static char *locate(char *path, const char *program, const struct functions *functions)
{
    const char **arguments = need(calloc(functions->count + 5, sizeof *arguments));
    posix_spawn_file_actions_t actions;
    int status = 0;
    int ends_of_pipe[2];
    char *lines;
    pid_t child;
    int wrong;

    arguments[0] = path;
    arguments[1] = "--as";
    arguments[2] = "zk-audit";
    arguments[3] = program;
    memcpy(arguments + 4, functions->at, functions->count * sizeof *arguments);
    if (pipe2(ends_of_pipe, O_CLOEXEC) != 0)
        die(3, "no pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends_of_pipe[1], STDOUT_FILENO);
    wrong = posix_spawn(&child, path, &actions, NULL, (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends_of_pipe[1]);
    if (wrong != 0)
        die(3, "%s: %s", path, strerror(wrong));
    lines = read_all(ends_of_pipe[0]);
    close(ends_of_pipe[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
    free(arguments);
    return lines;
}

/* Without zk-locate, the library itself looks the functions up in symbol tables. */
static char *as_given(const struct functions *functions)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = need(open_memstream(&text, &length));

    for (size_t i = 0; i < functions->count; i++)
        fprintf(out, "%s\n", functions->at[i]);
    fclose(out);
    return need(text);
}

static void set_functions(char *path, const char *program, const struct functions *functions)
{
    char *lines;

    if (functions->count == 0)
        return;
    lines = path == NULL ? as_given(functions) : locate(path, program, functions);
    if (setenv(functions->variable, lines, 1) != 0)
        die(3, "out of memory");
    free(lines);
}

void begin_at_set(const char *program, bool preloaded)
{
    char *path = locate_path();

    if (begins.count == 0 && ends.count > 0)
        die(2, "--end-at: without --begin-at there is nothing to end");
    if (begins.count > 0 && !preloaded)
        die(2, "--begin-at: libzkalloc-preload.so is neither in ../alloc nor in ../lib beside this "
               "program: build it, "
               "or call zk_begin_phase");
    set_functions(path, program, &begins);
    set_functions(path, program, &ends);
}
