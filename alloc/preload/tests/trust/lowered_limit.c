/*
 * lowered_limit.c - a program limits itself to 2 GiB while it runs, and needs a tenth of that. What was reserved
 * before and is not used must not count against the limit. Argument: address_space or data.
 */
#include "../check.h"
#include "trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { blocks = 200, block_bytes = 1 << 20 };

static void allocate_much(void)
{
    static char *block[blocks];
    unsigned refused = 0;

    for (unsigned i = 0; i < blocks; i++) {
        block[i] = malloc(block_bytes);
        if (block[i] == NULL)
            refused++;
        else
            block[i][0] = block[i][block_bytes - 1] = 1; /* the limit counts mapped memory */
    }
    for (unsigned i = 0; i < blocks; i++)
        free(block[i]);
    if (refused != 0)
        fail("%u of %d blocks refused", refused, blocks);
}

static void *allocate_some(void *arg)
{
    struct keeper keeper = {.key = 1, .size_max = 300000};

    keep(&keeper, 30);
    keep_no_more(&keeper);
    return arg;
}

static void use_threads(void)
{
    pthread_t thread[8];

    for (unsigned i = 0; i < 8; i++)
        NEED(pthread_create(&thread[i], NULL, allocate_some, NULL) == 0);
    for (unsigned i = 0; i < 8; i++)
        NEED(pthread_join(thread[i], NULL) == 0);
}

int main(int argc, char **argv)
{
    const struct rlimit limit = {(rlim_t)2 << 30, (rlim_t)2 << 30};
    struct keeper keeper = {.key = 2, .size_max = 20000};

    deadline(30);
    NEED(argc == 2);
    NEED(begin_phase() == 0);
    keep(&keeper, 200);
    NEED(end_phase() == 0);
    NEED(setrlimit(strcmp(argv[1], "data") == 0 ? RLIMIT_DATA : RLIMIT_AS, &limit) == 0);
    for (unsigned i = 0; i < 3; i++) {
        allocate_much();
        NEED(begin_phase() == 0);
        allocate_much();
        keep(&keeper, 100);
        use_threads();
        NEED(end_phase() == 0);
        use_threads();
    }
    keep_no_more(&keeper);
    return EXIT_SUCCESS;
}
