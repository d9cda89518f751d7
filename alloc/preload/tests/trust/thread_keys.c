/*
 * thread_keys.c - other code takes thread keys: so many that pthread_setspecific allocates for ours, or all of
 * them, so that none is left for us. Still, slabs come back from threads that end, and a phase has one owner.
 * Argument: how many keys, or all.
 */
#include "trust.h"
#include "zkalloc.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern __typeof__(zk_stats) zk_stats __attribute__((weak));

/* Runs before any library starts. */
static void make_keys(int argc, char **argv, char **environment)
{
    unsigned long count =
        argc < 2 || strcmp(argv[1], "all") == 0 ? PTHREAD_KEYS_MAX : strtoul(argv[1], NULL, 10);
    pthread_key_t key;

    (void)environment;
    while (count > 0 && pthread_key_create(&key, NULL) == 0)
        count--;
}

__attribute__((section(".preinit_array"),
               used)) static void (*const first_of_all)(int, char **, char **) = make_keys;

static void *use_some(void *number)
{
    struct keeper keeper = {.key = (unsigned)(size_t)number, .size_max = 9000};

    keep(&keeper, 100);
    if (preloaded()) {
        NEED(begin_phase() == -1 && errno == EPERM);
        NEED(end_phase() == -1 && errno == EPERM);
    }
    keep_no_more(&keeper);
    return NULL;
}

int main(int argc, char **argv)
{
    struct zk_stats stats = {0};
    struct keeper keeper = {.key = 99, .size_max = 9000};

    deadline(10);
    NEED(argc == 2);
    NEED(begin_phase() == 0);
    for (size_t i = 0; i < 40; i++) {
        pthread_t thread;

        keep(&keeper, 20);
        NEED(pthread_create(&thread, NULL, use_some, (void *)i) == 0);
        NEED(pthread_join(thread, NULL) == 0);
    }
    keep_no_more(&keeper);
    if (preloaded())
        NEED(zk_stats(&stats) == 0);
    if (stats.slabs_in_use > 1)
        fail("%u slabs in use, and all threads but one have ended", (unsigned)stats.slabs_in_use);
    if (strcmp(argv[1], "all") != 0 && stats.overflow_count != 0)
        fail("%u blocks found no slab", (unsigned)stats.overflow_count);
    NEED(end_phase() == 0);
    return EXIT_SUCCESS;
}
