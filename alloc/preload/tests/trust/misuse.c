/*
 * misuse.c - a program frees a block twice, or an address inside one, on the thread that allocated it, on another,
 * or on both. glibc aborts then; so do we, with one line that contains the address. With ZK_ALLOC_MISUSE=ignore
 * the program goes on. In no case is a live block damaged. Argument: twice or inside.
 */
#include "../check.h"
#include "trust.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { neighbours = 64, victim = 3, later_phases = 3, damaged_status = 3 };

static const char *const who[] = {"owner", "other", "both"};
static const size_t sizes[] = {64, 8192, 300000};

/* How often it is freed: as often as there are blocks, or almost, so that if frees are just counted,
 * nothing seems to live any more. */
static const unsigned counts[] = {2, 62, 63, 64, 65, 66};

static bool ignored(void)
{
    const char *value = getenv("ZK_ALLOC_MISUSE");

    return value != NULL && strcmp(value, "ignore") == 0;
}

/* ---- The program that does it ---- */

static char *block[neighbours];

struct frees {
    sem_t go;
    void *address;
    unsigned times;
};

static void free_times(void *address, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        free(address);
}

static void *free_elsewhere(void *arg)
{
    struct frees *frees = arg;

    while (sem_wait(&frees->go) != 0) {
    }
    free_times(frees->address, frees->times);
    return NULL;
}

/* Nothing may be allocated in between: it could get the address, and the free would be correct. */
static void free_by(const char *thread, void *address, unsigned times)
{
    unsigned own_times = strcmp(thread, "owner") == 0   ? times
                         : strcmp(thread, "other") == 0 ? 0
                                                        : times / 2;
    struct frees frees = {.address = address, .times = times - own_times};
    pthread_t other;

    NEED(sem_init(&frees.go, 0, 0) == 0);
    NEED(pthread_create(&other, NULL, free_elsewhere, &frees) == 0);
    free_times(address, own_times);
    sem_post(&frees.go);
    NEED(pthread_join(other, NULL) == 0);
}

static bool neighbours_live(size_t bytes)
{
    for (unsigned i = 0; i < neighbours; i++)
        if (i != victim && !filled(block[i], bytes, i))
            return false;
    return true;
}

static void allocate_more(size_t bytes)
{
    void *more[neighbours];

    for (unsigned i = 0; i < neighbours; i++) {
        more[i] = malloc(bytes);
        memset(more[i], 0xEE, bytes);
    }
    for (unsigned i = 0; i < neighbours; i++)
        free(more[i]);
}

/* Prints beforehand which address will be freed. */
static int run_wrong(const char *what, const char *thread, size_t bytes, unsigned times)
{
    char *wrong;

    deadline(10);
    NEED(begin_phase() == 0);
    for (unsigned i = 0; i < neighbours; i++) {
        block[i] = malloc(bytes);
        fill(block[i], bytes, i);
    }
    wrong = block[victim] + (strcmp(what, "inside") == 0 ? 16 : 0);
    dprintf(STDERR_FILENO, "address %p\n", (void *)wrong);
    free_by(thread, wrong, times);
    for (unsigned i = 0; i < later_phases; i++) {
        NEED(end_phase() == 0);
        NEED(begin_phase() == 0);
        allocate_more(bytes);
        if (!neighbours_live(bytes))
            return damaged_status;
    }
    return EXIT_SUCCESS;
}

/* ---- What must have happened ---- */

static void check_abort(const struct run *run, const char *title)
{
    char address[32] = "?";
    const char *line = strstr(run->said, "zkalloc: ");

    if (!WIFSIGNALED(run->status) || WTERMSIG(run->status) != SIGABRT)
        fail("%s: not aborted: status %#x", title, run->status);
    NEED(sscanf(run->said, "address %31s", address) == 1); /* NOLINT */
    if (line == NULL || strstr(line, address) == NULL || lines_with(run->said, "zkalloc: ") != 1)
        fail("%s: no line with %s: %s", title, address, line == NULL ? "" : line);
}

static void check_one(const char *program, const char *what, const char *thread, size_t bytes,
                      unsigned times)
{
    static struct run run;
    char size[32];
    char number[32];
    char title[96];

    snprintf(size, sizeof size, "%zu", bytes);
    snprintf(number, sizeof number, "%u", times);
    snprintf(title, sizeof title, "%s, %zu bytes, by %s, %u times", what, bytes, thread, times);
    run_again(&run, (const char *const[]){program, what, thread, size, number, NULL});
    if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == damaged_status)
        fail("%s: blocks that live are damaged", title);
    if (!ignored())
        check_abort(&run, title);
    else if (run.status != 0)
        fail("%s: does not go on: status %#x", title, run.status);
}

static void check_sizes(const char *program, const char *what, unsigned times)
{
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned k = 0; k < sizeof who / sizeof *who; k++)
            check_one(program, what, who[k], sizes[i], times);
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return run_wrong(argv[1], argv[2], strtoul(argv[3], NULL, 10),
                         (unsigned)strtoul(argv[4], NULL, 10));
    deadline(50);
    NEED(argc == 2);
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
        check_sizes(argv[0], argv[1], counts[i]);
    return EXIT_SUCCESS;
}
