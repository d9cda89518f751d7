/*
 * locked_memory.c - a program that locks all its memory, present and future, before its first phase or after it.
 * What it does not use must not become resident: all slabs together are larger than the machine's memory.
 * Argument: before or after.
 */
#include "trust.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const size_t most_bytes = (size_t)64 << 20;

static void lock(void)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        skip("mlockall is refused");
}

static _Noreturn void use_some(bool before)
{
    struct keeper keeper = {.key = 1, .size_max = 10000};

    if (before)
        lock();
    NEED(begin_phase() == 0);
    keep(&keeper, 200);
    if (!before)
        lock();
    NEED(end_phase() == 0);
    NEED(begin_phase() == 0);
    keep(&keeper, 200);
    keep_no_more(&keeper);
    NEED(end_phase() == 0);
    NEED(resident_bytes(0) < most_bytes);
    _exit(0);
}

/* Kills the child before it takes all memory. */
static int watch(pid_t child)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int status = 0;
    pid_t ended;

    while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
        size_t bytes = resident_bytes(child);

        if (bytes >= most_bytes) {
            kill(child, SIGKILL);
            fail("%zu MiB are resident", bytes >> 20);
        }
        nanosleep(&pause, NULL);
    }
    NEED(ended == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    pid_t child;

    deadline(20);
    NEED(argc == 2);
    child = fork();
    if (child == 0)
        use_some(strcmp(argv[1], "before") == 0);
    return watch(child);
}
