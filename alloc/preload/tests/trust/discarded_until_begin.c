/*
 * discarded_until_begin.c - a program may use and free what it discards until its own next begin, even if phases
 * are begun in between.
 */
#include "../check.h"
#include "trust.h"
#include "zkalloc.h"

#include <stdlib.h>

extern __typeof__(zk_discard_phase) zk_discard_phase __attribute__((weak));

enum { rounds = 100, blocks = 200, bytes = 300 };

int main(void)
{
    deadline(20);
    for (unsigned round = 0; round < rounds; round++) {
        void *block[blocks];

        NEED(begin_phase() == 0);
        for (unsigned i = 0; i < blocks; i++)
            fill(block[i] = malloc(bytes), bytes, i);
        NEED(zk_discard_phase == NULL || zk_discard_phase() == 0);
        for (unsigned i = 0; i < blocks; i++) { /* meanwhile other blocks come and go */
            void *other = malloc(bytes);

            fill(other, bytes, 77);
            NEED(filled(block[i], bytes, i));
            if (i % 2 == 0)
                free(block[i]);
            free(other);
        }
        for (unsigned i = 1; i < blocks; i += 2) {
            NEED(filled(block[i], bytes, i));
            free(block[i]);
        }
    }
    return EXIT_SUCCESS;
}
