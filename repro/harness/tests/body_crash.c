/* A body that follows a pointer made of filler, in its third cycle. */
#include "bodies.h"

#include <stdint.h>
#include <string.h>

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        unsigned char *volatile pointer;
        uintptr_t filler = (uintptr_t)0xAAAAAAAAAAAAAAAAu;

        if (!repro_begin(run))
            return;
        repro_end(run);
        memcpy((void *)&pointer, &filler, sizeof filler);
        if (phase == 3)
            *pointer = 1;
    }
}

TEST_REPRO("body_crash", body, REPRO_CRASH);
