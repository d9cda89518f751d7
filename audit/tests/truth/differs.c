/*
 * A program whose runs differ. Each run appends a byte to the file named by the first argument,
 * which so counts the runs. The n-th run keeps a block across its phases; the n-th argument after
 * the file (or the last one) is its size. 0 keeps none, and x fails.
 */
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *volatile kept;

int main(int argc, char **argv)
{
    FILE *log = fopen(argv[1], "a+");
    const struct timespec nap = {.tv_nsec = 1000000};
    const char *naps = getenv("NAP_MS");
    int run;
    size_t bytes;

    if (log == NULL || argc < 3)
        return 3;
    fseek(log, 0, SEEK_END);
    fputc('.', log);
    run = (int)ftell(log);
    fclose(log);
    for (int i = 0; naps != NULL && run == 1 && i < atoi(naps); i++)
        nanosleep(&nap, NULL);
    if (run > argc - 2)
        run = argc - 2;
    if (strcmp(argv[run + 1], "x") == 0)
        return 1;
    bytes = (size_t)atoi(argv[run + 1]);
    begin();
    free(malloc(7000));
    kept = bytes > 0 ? malloc(bytes) : NULL; /* PLANT:kept */
    end();
    begin();
    end();
    return 0;
}
