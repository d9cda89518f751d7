/* The buffer of stdout is allocated in the first phase, and its text is written when the program
 * exits. */
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    for (int i = 0; i < 3; i++) {
        begin();
        if (i == 0)
            printf("the proof is valid\n"); /* PLANT:stdout */
        else
            free(memset(malloc(65536), 'X', 65536));
        end();
    }
    return 0; /* STALE:stdout, by exit */
}
