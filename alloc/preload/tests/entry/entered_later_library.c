/*
 * entered_later_library.c - a library that is opened while the program runs, and enters its function in its constructor.
 */
#include <stdlib.h>

__attribute__((visibility("default"), noinline, noclone)) int later_round(int x);

static int *kept;

int later_round(int x)
{
    if (kept == NULL)
        kept = malloc(sizeof *kept);
    *kept = x;
    return *kept + 1;
}

__attribute__((constructor)) static void enter(void)
{
    later_round(0);
}

__attribute__((destructor)) static void release(void)
{
    free(kept);
}
