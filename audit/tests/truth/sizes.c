/* Blocks that are kept until the next phase, and grow from phase to phase. By argument: double, add, or same. */
#include "phases.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "double";
    char *kept = NULL;
    size_t bytes = 5000;

    for (int i = 0; i < 6; i++) {
        char *fresh;

        begin();
        fresh = malloc(bytes); /* PLANT:block */
        memset(fresh, 1, bytes);
        if (kept != NULL)
            fresh[0] = kept[1]; /* STALE:block */
        free(kept);
        kept = fresh;
        if (strcmp(how, "double") == 0)
            bytes *= 2;
        if (strcmp(how, "add") == 0)
            bytes += 1000;
        end();
    }
    return 0;
}
