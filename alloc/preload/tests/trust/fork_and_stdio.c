/*
 * fork_and_stdio.c - fork waits for the lock of stdio's list of streams. Its holder, in fflush, waits for a
 * stream, whose holder, in getline, allocates. If that waited for a lock that fork holds already, there would
 * be a deadlock. Each reader is a new thread, whose first allocation this is. Argument: in_phase or outside.
 */
#include "trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { forkers = 4, reading = 8, line_bytes = 50000 };

static void *fork_on(void *arg)
{
    while (time_left()) {
        pid_t child = fork();

        if (child == 0)
            _exit(0);
        child_succeeds(child);
    }
    return arg;
}

static void *flush_on(void *arg)
{
    while (time_left())
        fflush(NULL);
    return arg;
}

static void *read_line(void *stream)
{
    char *line = NULL;
    size_t room = 0;

    rewind(stream);
    NEED(getline(&line, &room, stream) == line_bytes);
    free(line);
    return NULL;
}

static FILE *open_line(void)
{
    FILE *stream = fdopen(memfd_create("line", MFD_CLOEXEC), "w+");

    NEED(stream != NULL);
    for (unsigned i = 1; i < line_bytes; i++)
        fputc('x', stream);
    fputc('\n', stream);
    NEED(fflush(stream) == 0);
    return stream;
}

static void *read_on(void *stream)
{
    while (time_left()) {
        pthread_t reader;

        NEED(pthread_create(&reader, NULL, read_line, stream) == 0);
        NEED(pthread_join(reader, NULL) == 0);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[forkers + reading + 1];
    unsigned threads = 0;

    deadline(15);
    NEED(argc == 2);
    if (strcmp(argv[1], "in_phase") == 0)
        NEED(begin_phase() == 0);
    for (unsigned i = 0; i < reading; i++)
        NEED(pthread_create(&thread[threads++], NULL, read_on, open_line()) == 0);
    for (unsigned i = 0; i < forkers; i++)
        NEED(pthread_create(&thread[threads++], NULL, fork_on, NULL) == 0);
    NEED(pthread_create(&thread[threads++], NULL, flush_on, NULL) == 0);
    while (threads > 0)
        NEED(pthread_join(thread[--threads], NULL) == 0);
    return EXIT_SUCCESS;
}
