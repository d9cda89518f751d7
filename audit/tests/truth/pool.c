/* Begins phases, and allocates in them from a pool of its own: malloc is not called. The block
 * outlives its phase. */
#include "phases.h"

static char pool[1 << 20];
static size_t used;

static char *pool_alloc(size_t bytes)
{
    char *p = pool + used;

    used += bytes;
    return p;
}

int main(void)
{
    char *volatile kept = NULL;

    for (int i = 0; i < 3; i++) {
        begin();
        if (i == 0)
            kept = pool_alloc(10000); /* PLANT:block */
        // cppcheck-suppress nullPointer ; made when i is 0
        kept[7]++; /* STALE:block */
        end();
    }
    return 0;
}
