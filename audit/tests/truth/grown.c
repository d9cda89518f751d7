/*
 * Blocks that grow by realloc inside of their phase, and are used in the next. By argument:
 *   small   from 64 bytes to 16384: the first 64 bytes decided where it lives
 *   both    the same, and one of 5000 that does not grow
 *   other   from 64 to 16384, where a Rust program's Vec starts, but with one step to 6000
 */
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keeps the compiler from removing an unused block. */
static char *fill(size_t bytes, char value)
{
    volatile char *p = malloc(bytes);

    for (size_t i = 0; i < bytes; i++)
        p[i] = value;
    return (char *)p;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "small";
    char *grown;
    char *fixed = NULL;
    char *filler;
    size_t bytes = strcmp(how, "other") == 0 ? 6000 : 64;
    int wrong = 0;

    begin();
    grown = malloc(bytes); /* PLANT:first */
    while (bytes < 16384) {
        bytes = bytes * 2 > 16384 ? 16384 : bytes * 2;
        // cppcheck-suppress memleakOnRealloc ; a test: it fails then
        grown = realloc(grown, bytes); /* PLANT:grown */
    }
    memset(grown, 1, bytes);
    if (strcmp(how, "both") == 0)
        fixed = memset(malloc(5000), 1, 5000); /* PLANT:fixed */
    end();
    begin();
    filler = fill(1 << 20, 2);
    for (size_t i = 0; i < bytes; i++)
        wrong += ((volatile char *)grown)[i] != 1; /* STALE:grown */
    for (int i = 0; fixed != NULL && i < 5000; i++)
        wrong += ((volatile char *)fixed)[i] != 1; /* STALE:fixed */
    end();
    free(filler);
    printf("%d bytes are wrong\n", wrong);
    return 0;
}
