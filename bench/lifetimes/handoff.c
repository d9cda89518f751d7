/*
 * handoff.c - threads that hand blocks to one another: each allocates a block, swaps it with the
 * block in one of the shared places, and checks and frees that one. It has no phases of its own;
 * ZK_ALLOC_CHAOS can add them.
 */
#include "lifetime.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { size_least = 16, size_range = 1008 };

struct parcel {
    size_t size;
    uint64_t number;
    char bytes[];
};

static struct {
    _Atomic(struct parcel *) *places;
    size_t place_count;
    size_t thread_blocks;
    pthread_barrier_t meet;
} shared;

static void open_parcel(struct parcel *parcel)
{
    if (parcel == NULL)
        return;
    block_check(parcel->bytes, parcel->size - sizeof *parcel, parcel->number);
    free(parcel);
}

static void *hand_over(void *arg)
{
    uint64_t random = 0x9e3779b97f4a7c15 * (1 + *(const size_t *)arg);

    pthread_barrier_wait(&shared.meet);
    for (size_t i = 0; i < shared.thread_blocks; i++) {
        size_t size = size_least + next_random(&random) % size_range;
        size_t place = (random >> 32) % shared.place_count;
        struct parcel *parcel = must_malloc(size);

        parcel->size = size;
        parcel->number = i;
        block_fill(parcel->bytes, size - sizeof *parcel, i);
        open_parcel(atomic_exchange(&shared.places[place], parcel));
    }
    pthread_barrier_wait(&shared.meet);
    return NULL;
}

static void run(const size_t *arguments)
{
    size_t thread_count = arguments[0];
    pthread_t threads[LIFETIME_THREADS];
    size_t numbers[LIFETIME_THREADS];

    shared.thread_blocks = arguments[1];
    shared.place_count = arguments[2];
    shared.places = must_calloc(shared.place_count, sizeof *shared.places);
    pthread_barrier_init(&shared.meet, NULL, (unsigned)thread_count + 1);
    for (size_t i = 0; i < thread_count; i++) {
        numbers[i] = i;
        thread_start(&threads[i], hand_over, &numbers[i]);
    }
    clock_start();
    pthread_barrier_wait(&shared.meet);
    pthread_barrier_wait(&shared.meet);
    clock_stop();
    count_units(thread_count * shared.thread_blocks);
    note_live(shared.place_count * (size_least + size_range / 2));
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < shared.place_count; i++)
        open_parcel(shared.places[i]);
}

const struct lifetime lifetime = {
    .usage = "[THREADS [BLOCKS [PLACES]]]: each of THREADS makes BLOCKS of 16 to 1023 bytes, and "
             "frees what others made; PLACES are alive",
    .standard = {4, 1000000, 10000},
    .least = {1, 1, 1},
    .most = {LIFETIME_THREADS, (size_t)1 << 40, 100000000},
    .run = run,
    .wall = 1,
};
