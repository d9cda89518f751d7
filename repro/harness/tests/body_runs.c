/* A body whose kept block is written in three places: 1 byte at 0, then 17 bytes of which the
 * middle ones equal the filler, then, 8 intact bytes later, 1 byte. Three runs: 1, 17 and 1 bytes.
 */
#include "bodies.h"

#include <string.h>

static void body(struct repro_run *run)
{
    unsigned char *kept = NULL;

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (kept != NULL) {
            kept[0] = 1;
            memset(kept + 100, 2, 5);
            memset(kept + 105, 0xAA, 7); /* the filler's own value: no gap in the run */
            memset(kept + 112, 2, 5);
            kept[125] = 3; /* 8 intact bytes after the last: a run of its own */
        }
        repro_check(run);
        kept = zk_malloc(1000);
        repro_end(run);
    }
}

TEST_REPRO("body_runs", body, REPRO_CORRUPT);
