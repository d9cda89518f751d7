#include "trust.h"

#include "../check.h"
#include "zkalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Not NULL with the preload library, or if the program is linked with zkalloc. */
extern __typeof__(zk_begin_phase) zk_begin_phase __attribute__((weak));
extern __typeof__(zk_end_phase) zk_end_phase __attribute__((weak));
extern __typeof__(zk_stats) zk_stats __attribute__((weak));

/* ---- How a program ends ---- */

static void say(const char *line)
{
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        abort();
}

void fail(const char *format, ...)
{
    char what[256];
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "%s: %s\n", program_invocation_short_name, what);
    say(line);
    _exit(1);
}

void need(bool holds, const char *what, const char *file, int line)
{
    const char *name = strrchr(file, '/');

    if (!holds)
        fail("%s:%d: not so: %s", name == NULL ? file : name + 1, line, what);
}

void skip(const char *why)
{
    char line[512];

    snprintf(line, sizeof line, "%s: skipped: %s\n", program_invocation_short_name, why);
    say(line);
    _exit(77);
}

/* Uses only async-signal-safe functions. */
static void out_of_time(int number)
{
    (void)number;
    say(program_invocation_short_name);
    say(": hangs: it should have ended by now\n");
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    _exit(1);
}

static struct timespec started;

void deadline(unsigned limit_s)
{
    struct sigaction action = {.sa_handler = out_of_time};
    const struct rlimit no_core = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &started);
    setpgid(0, 0); /* so that the children can be killed as well */
    setrlimit(RLIMIT_CORE, &no_core);
    NEED(sigaction(SIGALRM, &action, NULL) == 0);
    alarm(limit_s);
}

unsigned elapsed_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)((now.tv_sec - started.tv_sec) * 1000 +
                      (now.tv_nsec - started.tv_nsec) / 1000000);
}

bool time_left(void)
{
    return elapsed_ms() < (preloaded() ? 2000 : 500);
}

/* ---- The arena ---- */

bool preloaded(void)
{
    return zk_begin_phase != NULL;
}

int begin_phase(void)
{
    return zk_begin_phase != NULL ? zk_begin_phase() : 0;
}

int end_phase(void)
{
    return zk_end_phase != NULL ? zk_end_phase() : 0;
}

static struct zk_stats statistics(void)
{
    struct zk_stats stats = {0};

    if (zk_stats != NULL)
        NEED(zk_stats(&stats) == 0);
    return stats;
}

uint64_t phases(void)
{
    return statistics().phases;
}

size_t slab_bytes(void)
{
    return (size_t)statistics().slab_bytes;
}

unsigned slab_count(void)
{
    struct zk_stats stats = statistics();

    return stats.slabs != 0 ? (unsigned)stats.slabs : (unsigned)sysconf(_SC_NPROCESSORS_ONLN) + 4;
}

/* ---- Kept blocks ---- */

static void let_go(struct keeper *keeper, unsigned i)
{
    if (keeper->block[i] != NULL && !filled(keeper->block[i], keeper->bytes[i], keeper->key))
        fail("a block of %zu bytes is damaged, keeper %u, turn %u", keeper->bytes[i], keeper->key,
             keeper->turn);
    free(keeper->block[i]);
    keeper->block[i] = NULL;
}

void keep(struct keeper *keeper, unsigned turns)
{
    for (unsigned end = keeper->turn + turns; keeper->turn != end; keeper->turn++) {
        unsigned i = (keeper->turn * 29 + keeper->key) % kept_blocks;

        let_go(keeper, i);
        keeper->bytes[i] = 1 + (keeper->turn * 7919 + keeper->key * 31) % keeper->size_max;
        keeper->block[i] = malloc(keeper->bytes[i]);
        NEED(keeper->block[i] != NULL);
        fill(keeper->block[i], keeper->bytes[i], keeper->key);
    }
}

void keep_no_more(struct keeper *keeper)
{
    for (unsigned i = 0; i < kept_blocks; i++)
        let_go(keeper, i);
}

/* ---- Other processes ---- */

void child_succeeds(pid_t child)
{
    int status = -1;

    NEED(child > 0);
    while (waitpid(child, &status, 0) < 0)
        NEED(errno == EINTR);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
        _exit(1); /* the child has said why */
    if (WIFSIGNALED(status))
        fail("a child died of signal %d", WTERMSIG(status));
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void run_again(struct run *run, const char *const *arguments)
{
    int file = memfd_create("stderr", MFD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    ssize_t length;
    pid_t child;

    NEED(file >= 0);
    NEED(posix_spawn_file_actions_init(&actions) == 0);
    NEED(posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO) == 0);
    NEED(posix_spawn(&child, "/proc/self/exe", &actions, NULL, (char *const *)(size_t)arguments,
                     environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    while (waitpid(child, &run->status, 0) < 0)
        NEED(errno == EINTR);
    length = pread(file, run->said, sizeof run->said - 1, 0);
    NEED(length >= 0);
    run->said[length] = '\0';
    close(file);
}

unsigned lines_with(const char *text, const char *words)
{
    unsigned lines = 0;

    for (const char *at = strstr(text, words); at != NULL; at = strstr(at, words)) {
        lines++;
        at = strchrnul(at, '\n');
    }
    return lines;
}

size_t resident_bytes(pid_t process)
{
    char path[64] = "/proc/self/statm";
    char text[128] = "";
    const char *second;
    int fd;

    if (process != 0)
        snprintf(path, sizeof path, "/proc/%d/statm", process);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    close(fd);
    second = strchr(text, ' ');
    return second == NULL ? 0 : strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}
