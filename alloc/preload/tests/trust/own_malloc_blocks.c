/*
 * own_malloc_blocks.c - a program that defines malloc, free, calloc and realloc, the four that glibc's manual
 * asks for. Whatever the C library allocates through them (reallocarray, strdup, getline) comes from that
 * malloc.
 */
#include "../check.h"
#include "own_malloc.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void reallocated(void)
{
    char *block = malloc(100);

    NEED(own_block(block));
    strcpy(block, "kept"); /* NOLINT: it has room */
    block = call.reallocarray(block, 100, 10);
    NEED(own_block(block) && strcmp(block, "kept") == 0);
    block = call.realloc(block, 5000);
    NEED(own_block(block) && strcmp(block, "kept") == 0);
    free(block);
    block = call.reallocarray(NULL, 100, 100);
    NEED(own_block(block));
    free(block);
}

static void duplicated(void)
{
    char *copy = strdup("of the C library");

    NEED(own_block(copy) && strcmp(copy, "of the C library") == 0);
    copy = call.realloc(copy, 9000);
    NEED(own_block(copy) && strcmp(copy, "of the C library") == 0);
    free(copy);
}

static void read_line(void)
{
    FILE *stream = fdopen(memfd_create("line", MFD_CLOEXEC), "w+");
    char *line = NULL;
    size_t room = 0;

    NEED(stream != NULL);
    NEED(fputs("a line\n", stream) >= 0);
    rewind(stream);
    NEED(getline(&line, &room, stream) == 7);
    NEED(own_block(line) && strcmp(line, "a line\n") == 0);
    free(line);
    fclose(stream);
}

static void all(void)
{
    reallocated();
    duplicated();
    read_line();
}

int main(void)
{
    deadline(10);
    all();
    NEED(begin_phase() == 0);
    all();
    NEED(end_phase() == 0);
    return EXIT_SUCCESS;
}
