/*
 * common.c - what every part of zk-sweep needs.
 */
#include "sweep.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const profile_names[PROFILES] = {"none", "flush", "route", "seed", "pinned", "system"};

void die(int status, const char *format, ...)
{
    va_list args;

    progress_clear();
    fputs("zk-sweep: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(status);
}

void *need(void *p)
{
    if (p == NULL)
        die(3, "out of memory");
    return p;
}

static void check_stdout(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return;
    fprintf(stderr, "zk-sweep: stdout: %s: what was printed is not whole\n",
            errno != 0 ? strerror(errno) : "a write failed");
    _exit(2);
}

void streams_check(void)
{
    /* No file that is opened later may take the place of a standard stream. */
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0) {
            if (stream == STDOUT_FILENO)
                die(2, "stdout is closed: send it to /dev/null if it is not wanted");
            if (open("/dev/null", O_RDWR) != stream)
                _exit(2);
        }
    signal(SIGPIPE, SIG_IGN); /* writes fail instead, so that we clean up before we exit */
    signal(SIGXFSZ, SIG_IGN);
    atexit(check_stdout);
}

const char *temporary_folder(size_t room)
{
    const char *folder = getenv("TMPDIR");

    /* Without %: the allocator would replace a %p in the name. */
    if (folder == NULL || *folder == '\0' || strlen(folder) >= room || strchr(folder, '%') != NULL)
        return "/tmp";
    return folder;
}

double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

const char *own_folder(void)
{
    static char self[PATH_MAX - 16]; /* leaves room for the name of a program beside it */
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0)
        die(3, "/proc/self/exe: %s", strerror(errno));
    self[length] = '\0';
    return dirname(self);
}

bool parse_number(const char *text, unsigned long *number)
{
    char *end;

    errno = 0;
    *number = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
}

bool word_in(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}
