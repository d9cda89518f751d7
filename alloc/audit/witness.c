/*
 * witness.c - writes one line at a time, each appended by a single write.
 */
#include "witness.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Written once, when the library is loaded. */
static char folder[PATH_MAX - 64]; /* "" if there is none */
static bool preloaded;             /* through LD_PRELOAD */

/* Keeps errno. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    int saved = errno;
    char path[PATH_MAX];
    char line[PATH_MAX + 64];
    va_list args;
    int length;
    int fd;

    snprintf(path, sizeof path, "%s/%d.witness", folder, getpid());
    va_start(args, format);
    length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fd = zk_os_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0 && length > 0 && (size_t)length < sizeof line &&
        zk_os_write(fd, line, (size_t)length) < 0) {
        /* zk-audit takes the process for one that was not seen. */
    }
    if (fd >= 0)
        zk_os_close(fd);
    errno = saved;
}

static bool has(char *const *environment, const char *name, const char *part)
{
    size_t length = strlen(name);

    for (; environment != NULL && *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return part == NULL || strstr(*environment + length + 1, part) != NULL;
    return false;
}

static bool take_folder(void)
{
    const char *name = getauxval(AT_SECURE) != 0 ? NULL : getenv("ZK_ALLOC_AUDIT_WITNESS");

    if (name == NULL || *name == '\0' || strlen(name) >= sizeof folder)
        return false;
    memcpy(folder, name, strlen(name) + 1);
    preloaded = has(environ, "LD_PRELOAD", "libzkalloc");
    return true;
}

void zk_witness_load(void)
{
    if (take_folder())
        say("loaded\n");
}

void zk_witness_without(void)
{
    char program[PATH_MAX];
    ssize_t length;

    if (!take_folder())
        return;
    length = readlink("/proc/self/exe", program, sizeof program);
    if (length > 0 && (size_t)length < sizeof program)
        say("without\t%.*s\n", (int)length, program);
}

/* Does the environment still have what the library needs? LD_PRELOAD is needed only if we were
 * loaded by it. */
static int keeps(char *const *environment)
{
    if (environment == NULL)
        environment = environ;
    return has(environment, "ZK_ALLOC_AUDIT", NULL) &&
           has(environment, "ZK_ALLOC_AUDIT_OUT", NULL) &&
           (!preloaded || has(environment, "LD_PRELOAD", "libzkalloc"));
}

void zk_witness_exec(const char *path, char *const *environment)
{
    if (folder[0] != '\0')
        say("exec\t%d\t%s\n", keeps(environment), path);
}

void zk_witness_exec_failed(void)
{
    if (folder[0] != '\0')
        say("failed\n");
}

void zk_witness_spawn(pid_t child, const char *path, char *const *environment)
{
    if (folder[0] != '\0')
        say("spawn\t%d\t%d\t%s\n", child, keeps(environment), path);
}
