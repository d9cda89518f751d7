/*
 * stderr_reused.c - a program that runs without stderr, as daemons do: file descriptor 2 is one of its data files.
 * Nothing of ours may be written there (each phase keeps a bit more; an audit has findings). Argument: closed_first
 * if the program closes stderr, closed_before if it has never had one.
 */
#include "trust.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *volatile kept[64];

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(2);
}

/* The program under test. Exits, so that findings are written. */
static int run_daemon(int data)
{
    if (dup2(data, STDERR_FILENO) != STDERR_FILENO || close(data) != 0)
        return 2;
    put("DATA\n");
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) {
        void *block;

        if (begin_phase() != 0)
            return 2;
        block = malloc(1 << 20);
        memset(block, 1, 1 << 20);
        kept[i] = block;
        if (end_phase() != 0)
            return 2;
    }
    put("END\n");
    return EXIT_SUCCESS;
}

static void run_without_stderr(const char *program, const char *data)
{
    close(STDERR_FILENO);
    execl("/proc/self/exe", program, "daemon", data, (char *)NULL);
    _exit(2);
}

int main(int argc, char **argv)
{
    static struct run run;
    char number[16] = "";
    char text[4096] = "";
    int data;

    if (argc == 3 && strcmp(argv[1], "closed_before") == 0)
        run_without_stderr(argv[0], argv[2]);
    if (argc == 3)
        return run_daemon((int)strtol(argv[2], NULL, 10));
    deadline(10);
    NEED(argc == 2);
    data = memfd_create("data", 0);
    NEED(data >= 0);
    number[0] = (char)('0' + data);
    NEED(data < 10);
    run_again(&run, (const char *const[]){argv[0], argv[1], number, NULL});
    if (run.status != 0)
        fail("the daemon ended with status %#x", run.status);
    NEED(pread(data, text, sizeof text - 1, 0) >= 0);
    if (strcmp(text, "DATA\nEND\n") != 0)
        fail("the data file holds: %.150s", text);
    return EXIT_SUCCESS;
}
