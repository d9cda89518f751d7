/*
 * test_thread_blocks.c - blocks passed to other threads: sized, moved and freed there while their owner
 * bumps on.
 */
#include "thread_crews.h"

#include <sched.h>

enum { RING = 64 };

/* From one thread to another. A slot is NULL while it is empty. */
struct ring {
    struct legacy legacies[RING];
    _Atomic(char *) full[RING];
    size_t blocks;
};

static void *take_blocks(void *arg)
{
    struct ring *ring = arg;

    for (size_t i = 0; i < ring->blocks; i++) {
        struct legacy *legacy = &ring->legacies[i % RING];
        char *p;

        while ((p = atomic_load(&ring->full[i % RING])) == NULL)
            sched_yield();
        CHECK(zk_usable_size(p) == legacy->bytes);
        CHECK(is_filled(p, legacy->bytes, legacy->seed));
        if (i % 3 == 0) {
            p = zk_realloc(p, legacy->bytes + 1000);
            CHECK(p != NULL && is_filled(p, legacy->bytes, legacy->seed));
            CHECK(zk_usable_size(p) >= legacy->bytes + 1000);
            memset(p, 0, legacy->bytes + 1000);
        }
        atomic_store(&ring->full[i % RING], NULL);
        zk_free(p);
    }
    return NULL;
}

/* Two takers, each with a ring, while the owner bumps on. Blocks are used to the last byte, so a
 * size that is read one granule too long or too short shows. */
static void blocks_are_sized_moved_and_freed_by_other_threads(void)
{
    enum { TAKERS = 2, BLOCKS = 9000 };
    static struct ring rings[TAKERS];
    pthread_t threads[TAKERS];
    uint64_t random = 9;
    uint64_t moved = 0;

    begin_phase();
    for (unsigned t = 0; t < TAKERS; t++) {
        rings[t].blocks = BLOCKS;
        threads[t] = start_thread(take_blocks, &rings[t]);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (unsigned t = 0; t < TAKERS; t++) {
            struct legacy *legacy = &rings[t].legacies[i % RING];
            size_t limit = i % 100 == 0 ? 300000 : 400;

            while (atomic_load(&rings[t].full[i % RING]) != NULL)
                sched_yield();
            legacy->bytes = round_up(1 + random_below(&random, limit), 16);
            legacy->seed = i;
            legacy->p = zk_malloc(legacy->bytes);
            CHECK(zk_owns(legacy->p));
            fill(legacy->p, legacy->bytes, legacy->seed);
            atomic_store(&rings[t].full[i % RING], legacy->p);
            zk_free(zk_malloc(random_below(&random, 200)));
        }
    }
    for (unsigned t = 0; t < TAKERS; t++) {
        join_thread(threads[t]);
        moved += (BLOCKS + 2) / 3;
    }
    CHECK(stats_now().arena_count == 2 * TAKERS * BLOCKS + moved);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

struct stream {
    _Atomic(char *) latest;
    _Atomic bool ended;
};

enum { STREAM_BYTES = 48 };

static void *size_the_latest(void *arg)
{
    struct stream *stream = arg;
    bool ended;

    do {
        char *p = atomic_load(&stream->latest);

        ended = atomic_load(&stream->ended);
        CHECK(p == NULL || zk_usable_size(p) == STREAM_BYTES);
    } while (!ended);
    return NULL;
}

/* The block being sized is the last one, or the one before it, or the last of its chunk, just while
 * the next one is being entered in the books. */
static void blocks_are_sized_while_their_owner_bumps_on(void)
{
    struct stream stream = {.latest = NULL};
    pthread_t thread = start_thread(size_the_latest, &stream);

    begin_phase();
    for (unsigned i = 0; i < 4 * 1000 * 1000; i++)
        atomic_store_explicit(&stream.latest, zk_malloc(STREAM_BYTES), memory_order_release);
    CHECK(zk_owns(stream.latest));
    atomic_store(&stream.ended, true);
    join_thread(thread);
}

static const struct CMUnitTest tests[] = {
    FRESH(blocks_are_sized_while_their_owner_bumps_on,
          .env = {BLIND, ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.5"}),
    FRESH(blocks_are_sized_moved_and_freed_by_other_threads, .env = {BLIND, ALL_SIZES}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
