#include "check.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const volatile struct calls call = {malloc,        calloc, realloc, reallocarray,
                                    aligned_alloc, valloc, pvalloc};

static _Atomic unsigned failures;

/* Does not allocate: malloc is what is being tested. */
bool check(bool holds, const char *what, const char *file, int line)
{
    char text[512];
    int length;

    if (holds)
        return true;
    atomic_fetch_add(&failures, 1);
    length = snprintf(text, sizeof text, "%s:%d: not so: %s\n", file, line, what);
    if (length > 0 && write(STDERR_FILENO, text, strlen(text)) < 0)
        abort();
    return false;
}

unsigned check_failures(void)
{
    return atomic_load(&failures);
}

static size_t resident_bytes(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char *second;

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    close(fd);
    second = strchr(text, ' ');
    return second == NULL ? 0 : strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* How much memory stays behind varies: 200 threads pin 50 MiB more in one run than in the next. The parts
 * that use most (alignment, zeroed, resized, huge, threads) would exceed this if nothing were given back. */
static const size_t growth_max = (size_t)96 << 20;

/* Some allocators count calls before they give memory back: makes some calls. */
static void let_time_pass(void)
{
    for (unsigned i = 0; i < 5000; i++)
        free(call.malloc(i % 200));
}

static void run_rounds(void (*run)(void), unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        run();
        let_time_pass();
    }
}

int check_parts(const struct part *parts, size_t count)
{
    const unsigned warm_up = 2;
    const unsigned rounds = 8;

    for (size_t i = 0; i < count; i++) {
        unsigned before = check_failures();
        size_t resident;
        size_t now;

        run_rounds(parts[i].run, warm_up);
        resident = resident_bytes();
        run_rounds(parts[i].run, rounds);
        now = resident_bytes();
        CHECK(now < resident + growth_max);
        printf("%-10s %s, resident %zu KiB, then %zu KiB\n", parts[i].name,
               check_failures() == before ? "holds" : "FAILS", resident >> 10, now >> 10);
        fflush(stdout);
    }
    return check_failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static unsigned char byte_at(size_t i, unsigned key)
{
    return (unsigned char)(i * 31 + (i >> 8) * 7 + key * 101 + 1);
}

void fill(void *p, size_t bytes, unsigned key)
{
    unsigned char *to = p;

    for (size_t i = 0; i < bytes; i++)
        to[i] = byte_at(i, key);
}

bool filled(const void *p, size_t bytes, unsigned key)
{
    const unsigned char *from = p;

    for (size_t i = 0; i < bytes; i++)
        if (from[i] != byte_at(i, key))
            return false;
    return true;
}

void check_exits(int pid)
{
    int status = -1;

    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void check_in_child(void (*body)(void))
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        atomic_store(&failures, 0);
        body();
        _exit(check_failures() == 0 ? 0 : 1);
    }
    check_exits(pid);
}
