/* Three lines touch one block, two of them the same byte, after a loop. Then the loop's line again. */
#include "phases.h"

#include <stdlib.h>
#include <string.h>

static char *kept;
static volatile int sum;

static void loop(void)
{
    for (int i = 0; i < 1000; i++)
        sum += kept[i]; /* STALE:loop */
}

static void same(void)
{
    sum += kept[0]; /* STALE:same */
}

static void other(void)
{
    kept[9000] = 5; /* STALE:other */
}

int main(void)
{
    begin();
    kept = malloc(20000); /* PLANT:block */
    memset(kept, 1, 20000);
    end();
    for (int i = 0; i < 3; i++) {
        begin();
        loop();
        same();
        other();
        loop();
        end();
    }
    return sum == 0;
}
