/* A stream is opened before the phases, gets its buffer in the first one, which is discarded, and
 * is used afterwards. With an argument, the phases are not discarded. */
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    FILE *log = fopen("/dev/null", "w");

    (void)argv;
    for (int i = 0; i < 3; i++) {
        begin();
        free(malloc(6000));
        fprintf(log, "request %d\n", i); /* PLANT:log STALE:log */
        if (argc > 1)
            end();
        else if (zk_discard_phase != NULL)
            zk_discard_phase();
    }
    fclose(log);
    return 0;
}
