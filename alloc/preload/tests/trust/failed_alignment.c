/*
 * failed_alignment.c - posix_memalign returns its error, and treats errno as glibc does: ENOMEM is also set there,
 * EINVAL is not.
 */
#include "trust.h"

#include <errno.h>
#include <stdlib.h>

/* Volatile, since the compiler knows that there are no such blocks. */
static const volatile size_t huge = SIZE_MAX / 2 - 4096;
static const volatile size_t no_power = 48;

static void fails(void)
{
    char here;
    void *block = &here;

    errno = 0;
    NEED(posix_memalign(&block, 64, huge) == ENOMEM && errno == ENOMEM && block == &here);
    errno = 0;
    NEED(posix_memalign(&block, 4096, huge) == ENOMEM && errno == ENOMEM && block == &here);
    errno = E2BIG;
    NEED(posix_memalign(&block, no_power, 100) == EINVAL && errno == E2BIG && block == &here);
    for (size_t bytes = 100; bytes < 1000000; bytes *= 10) {
        void *made = NULL;

        NEED(posix_memalign(&made, 64, bytes) == 0 && made != NULL && errno == E2BIG);
        free(made);
    }
    NEED(errno == E2BIG);
}

int main(void)
{
    deadline(10);
    fails();
    NEED(begin_phase() == 0);
    fails();
    NEED(end_phase() == 0);
    fails();
    return EXIT_SUCCESS;
}
