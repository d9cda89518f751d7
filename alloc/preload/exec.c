/*
 * exec.c - a process becomes another program, or starts one, or ends by _exit. What has been found so far is reported
 * first, and zk-audit is told which program it is, since the library may not be loaded into that. The strings are
 * touched as in touch.h, since the child of a vfork, which posix_spawn and system make, cannot handle faults.
 */
#include "next.h"
#include "touch.h"
#include "trap.h"
#include "witness.h"

#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* The reader is not a thread of ours, so the string is opened until the next begin. */
static void touch_string(const char *text, struct zk_caller caller)
{
    if (zk_auditing(ZK_AUDIT_TRAP) && zk_region_holds(text))
        zk_trap_touch(text, caller);
}

static void touch_strings(char *const *texts, struct zk_caller caller)
{
    touch_string((const char *)texts, caller);
    for (; zk_auditing(ZK_AUDIT_TRAP) && texts != NULL && *texts != NULL; texts++)
        touch_string(*texts, caller);
}

static void touch_all(const char *path, char *const *arguments, char *const *environment,
                      struct zk_caller caller)
{
    touch_string(path, caller);
    touch_strings(arguments, caller);
    touch_strings(environment, caller);
}

static void before(const char *path, char *const *arguments, char *const *environment,
                   struct zk_caller caller)
{
    touch_all(path, arguments, environment, caller);
    zk_audit_before_exec();
    zk_witness_exec(path, environment);
}

/* The exec has failed. */
static int after(int result)
{
    zk_witness_exec_failed();
    zk_audit_after_exec();
    return result;
}

NEXT(execve);
EXPORT int execve(const char *path, char *const *arguments, char *const *environment)
{
    NEED(execve);
    before(path, arguments, environment, ZK_CALLER);
    return after(next_execve(path, arguments, environment));
}

EXPORT int execv(const char *path, char *const *arguments)
{
    return execve(path, arguments, environ);
}

NEXT(execvpe);
EXPORT int execvpe(const char *file, char *const *arguments, char *const *environment)
{
    NEED(execvpe);
    before(file, arguments, environment, ZK_CALLER);
    return after(next_execvpe(file, arguments, environment));
}

EXPORT int execvp(const char *file, char *const *arguments)
{
    return execvpe(file, arguments, environ);
}

NEXT(fexecve);
EXPORT int fexecve(int fd, char *const *arguments, char *const *environment)
{
    char path[32];

    NEED(fexecve);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    before(path, arguments, environment, ZK_CALLER);
    return after(next_fexecve(fd, arguments, environment));
}

/* Counts the arguments listed in a call, NULL included. */
static size_t count_list(va_list list)
{
    size_t count = 2; /* the first one, and NULL */

    while (va_arg(list, char *) != NULL)
        count++;
    return count;
}

static void take_list(char **arguments, const char *first, va_list list)
{
    *arguments++ = (char *)(uintptr_t)first;
    while ((*arguments = va_arg(list, char *)) != NULL)
        arguments++;
}

/* Declares `arguments`, and leaves `list` after them. */
#define TAKE_LIST(first)                                                                           \
    va_list list;                                                                                  \
    va_start(list, first);                                                                         \
    size_t count = count_list(list);                                                               \
    va_end(list);                                                                                  \
    char *arguments[count];                                                                        \
    va_start(list, first);                                                                         \
    take_list(arguments, first, list)

EXPORT int execl(const char *path, const char *first, ...)
{
    TAKE_LIST(first);
    va_end(list);
    return execve(path, arguments, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    TAKE_LIST(first);
    va_end(list);
    return execvpe(file, arguments, environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
    char *const *environment;

    TAKE_LIST(first);
    environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, arguments, environment);
}

static int spawn(__typeof__(posix_spawn) *next, pid_t *id, const char *path,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const *arguments, char *const *environment, struct zk_caller caller)
{
    pid_t child = 0;
    int result;

    touch_all(path, arguments, environment, caller);
    id = id == NULL ? &child : id;
    result = next(id, path, actions, attributes, arguments, environment);
    if (result == 0)
        zk_witness_spawn(*id, path, environment);
    return result;
}

NEXT(posix_spawn);
EXPORT int posix_spawn(pid_t *id, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const *arguments,
                       char *const *environment)
{
    NEED(posix_spawn);
    return spawn(next_posix_spawn, id, path, actions, attributes, arguments, environment,
                 ZK_CALLER);
}

NEXT(posix_spawnp);
EXPORT int posix_spawnp(pid_t *id, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const *arguments,
                        char *const *environment)
{
    NEED(posix_spawnp);
    return spawn(next_posix_spawnp, id, file, actions, attributes, arguments, environment,
                 ZK_CALLER);
}

NEXT(system);
EXPORT int system(const char *line)
{
    NEED(system);
    touch_string(line, ZK_CALLER);
    touch_strings(environ, ZK_CALLER);
    return next_system(line);
}

NEXT(popen);
EXPORT FILE *popen(const char *line, const char *mode)
{
    NEED(popen);
    touch_string(line, ZK_CALLER);
    touch_strings(environ, ZK_CALLER);
    return next_popen(line, mode);
}

NEXT(_exit);
EXPORT void _exit(int status)
{
    NEED(_exit);
    zk_audit_at_last();
    next__exit(status);
    __builtin_unreachable();
}

EXPORT void _Exit(int status)
{
    _exit(status);
}
