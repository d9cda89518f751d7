/*
 * oracle_lanes.c - the threads that operations run on, freely.
 *
 * Each lane has its own table, and is one thread after another. Blocks to be freed elsewhere are
 * posted. The only order that posting makes is from the poster to the reader: whatever else the
 * allocator needs, it must bring about itself, or the thread sanitizer sees that it does not.
 */
#include "oracle.h"

#include <pthread.h>
#include <stdlib.h>

struct parcel {
    _Atomic(char *) p; /* NULL: empty. Released when posted, acquired when taken. */
    _Atomic size_t size;
    _Atomic uint64_t number;
    _Atomic bool arena;
};

enum { parcels_each = 8 }; /* from each lane to each lane */

struct lane {
    struct oracle oracle;
    struct fleet *fleet;
    unsigned index;
    uint64_t random;
    size_t left; /* operations to go */
    pthread_t thread;
};

struct fleet {
    struct lane lanes[ORACLE_THREADS_MAX];
    struct parcel parcels[ORACLE_THREADS_MAX][ORACLE_THREADS_MAX][parcels_each]; /* to, from */
};

#define RELAXED memory_order_relaxed

/* False when there is no room. */
static bool post(struct fleet *fleet, unsigned to, unsigned from, const struct oracle_block *block)
{
    for (unsigned i = 0; i < parcels_each; i++) {
        struct parcel *parcel = &fleet->parcels[to][from][i];

        if (atomic_load_explicit(&parcel->p, RELAXED) != NULL)
            continue;
        atomic_store_explicit(&parcel->size, block->size, RELAXED);
        atomic_store_explicit(&parcel->number, block->number, RELAXED);
        atomic_store_explicit(&parcel->arena, block->arena, RELAXED);
        atomic_store_explicit(&parcel->p, block->p, memory_order_release);
        return true;
    }
    return false;
}

static void free_posted(struct lane *lane)
{
    for (unsigned from = 0; from < ORACLE_THREADS_MAX; from++) {
        for (unsigned i = 0; i < parcels_each; i++) {
            struct parcel *parcel = &lane->fleet->parcels[lane->index][from][i];
            struct oracle_block block = {
                .p = atomic_load_explicit(&parcel->p, memory_order_acquire), .thread = from};

            if (block.p == NULL)
                continue;
            block.size = atomic_load_explicit(&parcel->size, RELAXED);
            block.number = atomic_load_explicit(&parcel->number, RELAXED);
            block.arena = atomic_load_explicit(&parcel->arena, RELAXED);
            block.usable = block.size;
            oracle_check_block(&lane->oracle, &block);
            zk_free(block.p);
            atomic_store_explicit(&parcel->p, NULL, RELAXED);
        }
    }
}

static void step_freely(struct lane *lane)
{
    unsigned threads = lane->oracle.setup.threads;
    struct oracle_op op = oracle_random_op(&lane->random, &lane->oracle.setup, lane->index);
    struct oracle_block *block = &lane->oracle.blocks[op.slot];

    if (op.kind == ORACLE_DISCARD)
        op.kind = ORACLE_BEGIN;
    if (op.kind == ORACLE_FREE && block->p != NULL && op.size % 2 == 0) {
        if (post(lane->fleet, (lane->index + 1 + (unsigned)(op.size / 2) % threads) % threads,
                 lane->index, block))
            block->p = NULL;
    } else {
        oracle_step(&lane->oracle, &op);
    }
    if (op.kind == ORACLE_EXIT) {
        pthread_exit(NULL);
    }
    if (lane->left % 16 == 0)
        free_posted(lane);
}

static void *thread_runs(void *arg)
{
    struct lane *lane = arg;

    while (lane->left > 0) {
        lane->left--;
        lane->oracle.progress++;
        step_freely(lane);
    }
    return NULL;
}

/* Never allocates: it only makes thread after thread. */
static void *lane_runs(void *arg)
{
    struct lane *lane = arg;

    while (lane->left > 0) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, thread_runs, lane) != 0)
            oracle_fail(&lane->oracle, ORACLE_WRONG, "no thread");
        pthread_join(thread, NULL);
    }
    return NULL;
}

void oracle_run_concurrent(struct oracle *oracle, uint64_t seed, size_t count)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    unsigned threads = oracle->setup.threads;
    struct oracle_op op = {.kind = ORACLE_FREE, .align = 1};

    if (fleet == NULL)
        oracle_fail(oracle, ORACLE_WRONG, "no memory");
    for (unsigned i = 0; i < threads; i++) {
        struct lane *lane = &fleet->lanes[i];

        lane->fleet = fleet;
        lane->index = i;
        lane->random = oracle_random(&seed);
        lane->left = count / threads;
        lane->oracle.setup = oracle->setup;
        lane->oracle.aborts = oracle->aborts;
        lane->oracle.next_number = (uint64_t)(i + 1) << 48;
        if (pthread_create(&lane->thread, NULL, lane_runs, lane) != 0)
            oracle_fail(oracle, ORACLE_WRONG, "no thread");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(fleet->lanes[i].thread, NULL);
    for (unsigned i = 0; i < threads; i++) {
        free_posted(&fleet->lanes[i]);
        for (op.slot = 0; op.slot < ORACLE_SLOTS; op.slot++)
            oracle_step(&fleet->lanes[i].oracle, &op);
    }
    free(fleet);
    zk_end_phase(); /* if one is active */
    oracle_run(oracle, NULL, 0);
}
