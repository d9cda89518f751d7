/* 1000 blocks of 5000 bytes are kept from the first phase on; of three of them, something is read in the second. */
#include "phases.h"

#include <stdlib.h>

static char *kept[1000];

int main(void)
{
    volatile char x = 0;

    for (int i = 0; i < 3; i++) {
        begin();
        for (int k = 0; i == 0 && k < 1000; k++) {
            kept[k] = malloc(5000); /* PLANT:block */
            kept[k][0] = 1;
        }
        for (int k = 0; i == 1 && k < 3; k++)
            x = kept[7 * k][3]; /* STALE:block */
        end();
    }
    return x;
}
