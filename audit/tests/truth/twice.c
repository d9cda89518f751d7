/* One line allocates two blocks, and each of two lines touches both: stacks and places that look
 * the same to a person, but differ for the library. */
#include "phases.h"

#include <stdlib.h>

static char *volatile a, *volatile b;

int main(void)
{
    volatile long x = 0;

    begin();
    a = calloc(1, 16384), b = calloc(1, 20000); /* PLANT:both */
    end();
    begin();
    x = a[5] + b[5]; /* STALE:one */
    x = a[6] + b[6]; /* STALE:other */
    end();
    return x != 0;
}
