/*
 * idle.c - one large piece of work, then many small ones: how much of the large one's memory is
 * still resident? The main thread does the large one, or threads that have ended when the small
 * ones begin.
 */
#include "lifetime.h"

#include <stdlib.h>

static const size_t block_bytes = (size_t)1 << 20;

/* Blocks of 1 MiB, alive together. */
static void work(size_t mib)
{
    char **blocks = must_malloc(mib * sizeof *blocks);

    for (size_t i = 0; i < mib; i++)
        blocks[i] = block_new(block_bytes, i);
    for (size_t i = 0; i < mib; i++) {
        block_check(blocks[i], block_bytes, i);
        free(blocks[i]);
    }
    free(blocks);
}

static void *work_apart(void *arg)
{
    work(*(const size_t *)arg);
    return NULL;
}

static void run(const size_t *arguments)
{
    size_t mib = arguments[0];
    size_t phases = arguments[1];
    size_t thread_count = arguments[2];
    pthread_t threads[LIFETIME_THREADS];

    note_live((mib << 20) * (thread_count > 0 ? thread_count : 1));
    clock_start(); /* giving memory back takes time, whenever it happens */
    phase_begin();
    for (size_t i = 0; i < thread_count; i++)
        thread_start(&threads[i], work_apart, &mib);
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    if (thread_count == 0)
        work(mib);
    phase_end();
    for (size_t i = 0; i < phases; i++) {
        phase_begin();
        work(1);
        phase_end();
    }
    clock_stop();
}

const struct lifetime lifetime = {
    .usage = "[MIB [PHASES [THREADS]]]: MIB MiB on each of THREADS that end (0: here), then PHASES "
             "of 1 MiB",
    .standard = {1024, 5000, 0},
    .least = {1, 1, 0},
    .most = {65536, 1000000, LIFETIME_THREADS},
    .run = run,
};
