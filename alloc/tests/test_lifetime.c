/*
 * test_lifetime.c - blocks that grow and shrink, and memory that is no longer used: pinned takes what is needed,
 * not what once was.
 */
#include "fresh.h"

#include "slab.h"

enum { STEP = 5000 };

static void skip_under_sanitizers(void)
{
    if (SANITIZED)
        skip_because("a sanitizer's own memory is resident as well");
}

/* ---- Growing ---- */

/* fresh_number bytes to start with: inside a chunk, and across several. */
static void the_last_block_grows_where_it_is(void)
{
    size_t size = fresh_number;
    char *before;
    char *p;
    char *behind;

    begin_phase();
    before = arena_block(100);
    fill(before, 100, 1);
    p = arena_block(size);
    fill(p, size, 2);
    for (unsigned i = 0; i < 300; i++) {
        CHECK(zk_realloc(p, size + STEP) == p);
        CHECK(is_filled(p, size, 2) && zk_usable_size(p) >= size + STEP);
        CHECK(zk_usable_size(p) < size + STEP + 16);
        size += STEP;
        fill(p, size, 2);
    }
    behind = arena_block(1000);
    CHECK(behind >= p + size);
    fill(behind, 1000, 3);
    CHECK(is_filled(before, 100, 1) && is_filled(p, size, 2));
    CHECK(zk_realloc(p, size + STEP) != p);
    CHECK(is_filled(behind, 1000, 3));
}

/* The block's own size decides where it goes, not the larger one that realloc reserves for it. */
static void what_grows_below_min_bytes_leaves_the_arena(void)
{
    char *p;

    begin_phase();
    p = zk_realloc(arena_block(5000), 1000); /* which stays in the arena */
    CHECK(zk_owns(p));
    CHECK(!zk_owns(zk_realloc_sized(p, 1000, 16, 4000)));
}

/* A grown block lives on as one block, and dies as one. */
static void a_grown_block_is_retained_and_freed_as_one(void)
{
    char *p;

    begin_phase();
    p = arena_block(300000);
    p = zk_realloc(p, 900000);
    fill(p, 900000, 4);
    for (unsigned phase = 0; phase < 5; phase++) {
        end_phase();
        begin_phase();
        CHECK(stats_now().retained_count == 1);
        for (unsigned i = 0; i < 100; i++)
            memset(arena_block(40000), 0xee, 40000);
        CHECK(zk_discard_phase() == 0);
        begin_phase();
        CHECK(is_filled(p, 900000, 4) && zk_usable_size(p) >= 900000);
    }
    zk_free(p);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

/* Two blocks that grow in turns are in each other's way, and still rarely move. */
static void blocks_that_grow_in_turns_move_seldom(void)
{
    char *blocks[2];
    size_t size = STEP;
    unsigned moves = 0;

    begin_phase();
    for (unsigned i = 0; i < 2; i++)
        fill(blocks[i] = arena_block(size), size, i);
    for (unsigned round = 0; round < 500; round++, size += STEP)
        for (unsigned i = 0; i < 2; i++) {
            char *p = zk_realloc(blocks[i], size + STEP);

            moves += p != blocks[i];
            CHECK(is_filled(p, size, i));
            fill(blocks[i] = p, size + STEP, i);
        }
    CHECK(moves < 100);
}

static void outside_of_phases_a_block_leaves_the_arena(void)
{
    char *p;

    begin_phase();
    fill(p = arena_block(STEP), STEP, 1);
    end_phase();
    p = zk_realloc(p, 2 * STEP);
    CHECK(!zk_owns(p) && is_filled(p, STEP, 1));
    zk_free(p);
}

/* ---- Shrinking ---- */

static void what_is_cut_to_less_than_half_gives_the_rest_back(void)
{
    enum { COUNT = 200 };
    static char *kept[COUNT];
    size_t before;

    skip_under_sanitizers();
    begin_phase();
    before = resident_bytes();
    for (unsigned i = 0; i < COUNT; i++) {
        char *p = arena_block(MIB);

        fill(p, MIB, i);
        kept[i] = zk_realloc(p, 100);
        CHECK(is_filled(kept[i], 96, i));
    }
    CHECK(resident_bytes() < before + 8 * (size_t)MIB);
}

static void what_is_cut_a_little_stays(void)
{
    char *p;

    begin_phase();
    p = arena_block(100000);
    CHECK(zk_realloc(p, 60000) == p);
    p = arena_block(1000);
    CHECK(zk_realloc(p, 100) == p);
}

/* Its room to grow, which nobody asked for, is not what it is measured by. */
static void what_grows_and_shrinks_in_turn_stays(void)
{
    char *p;
    char *grown;

    begin_phase();
    p = arena_block(300000);
    arena_block(STEP); /* so that it cannot grow where it is */
    grown = zk_realloc(p, 500000);
    CHECK(grown != p);
    arena_block(STEP);
    for (unsigned round = 0; round < 10; round++) {
        CHECK(zk_realloc(grown, 300000) == grown);
        CHECK(zk_realloc(grown, 500000) == grown);
    }
}

/* ---- Memory that is no longer used ---- */

static void use(size_t bytes)
{
    for (size_t i = 0; i < bytes; i += MIB)
        memset(arena_block(MIB - 1000), 1, MIB - 1000);
    CHECK(zk_discard_phase() == 0);
}

static void *use_on_a_thread(void *arg)
{
    memset(arena_block((size_t)(uintptr_t)arg), 1, (size_t)(uintptr_t)arg);
    return NULL;
}

static void many_small_phases(void)
{
    for (unsigned phase = 0; phase < 300; phase++) {
        begin_phase();
        use(MIB);
    }
}

/* Meanwhile fresh_number blocks are kept. */
static void after_a_large_phase_memory_is_given_back(void)
{
    void *kept[4] = {NULL};
    size_t before;

    skip_under_sanitizers();
    begin_phase();
    for (size_t i = 0; i < fresh_number; i++)
        kept[i] = arena_block(5000);
    end_phase();
    before = resident_bytes();
    begin_phase();
    use((size_t)200 * MIB);
    CHECK(resident_bytes() > before + (size_t)190 * MIB);
    many_small_phases();
    CHECK(resident_bytes() < before + (size_t)16 * MIB);
    for (size_t i = 0; i < fresh_number; i++)
        zk_free(kept[i]);
}

/* Nothing more comes from the arena: the begins look after it. */
static void where_only_small_blocks_follow_memory_is_given_back(void)
{
    size_t before;

    skip_under_sanitizers();
    begin_phase();
    before = resident_bytes();
    use((size_t)200 * MIB);
    CHECK(resident_bytes() > before + (size_t)190 * MIB);
    for (unsigned phase = 0; phase < 300; phase++) {
        void *p;

        begin_phase();
        p = zk_malloc(100);
        CHECK(p != NULL && !zk_owns(p));
        zk_free(p);
        end_phase();
    }
    CHECK(resident_bytes() < before + (size_t)16 * MIB);
}

static void the_slabs_of_ended_threads_give_memory_back(void)
{
    size_t before;

    skip_under_sanitizers();
    begin_phase();
    before = resident_bytes();
    for (unsigned i = 0; i < 2; i++)
        run_thread(use_on_a_thread, (void *)((size_t)100 * MIB));
    CHECK(zk_discard_phase() == 0);
    CHECK(resident_bytes() > before + (size_t)90 * MIB);
    many_small_phases();
    CHECK(resident_bytes() < before + (size_t)16 * MIB);
}

enum { IDLE = 3, KEPT = 20 };

static pthread_barrier_t used;
static pthread_barrier_t wanted;

/* Frees all but KEPT blocks, waits, and uses its memory once more. */
static void *use_and_wait(void *arg)
{
    const size_t bytes = MIB - 1000;
    char *block[60];
    char *grown = arena_block(MIB);
    unsigned seed = (unsigned)(uintptr_t)arg;

    CHECK(zk_realloc(grown, 4 * MIB) == grown); /* over chunks that are entered already */
    fill(grown, 4 * MIB, seed);
    for (unsigned i = 0; i < 60; i++)
        fill(block[i] = arena_block(bytes), bytes, seed + i);
    for (unsigned i = KEPT; i < 60; i++)
        zk_free(block[i]);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&wanted);
    for (unsigned i = KEPT; i < 60; i++)
        fill(block[i] = arena_block(bytes), bytes, seed + i);
    for (unsigned i = 0; i < 60; i++) {
        CHECK(is_filled(block[i], bytes, seed + i));
        zk_free(block[i]);
    }
    CHECK(is_filled(grown, 4 * MIB, seed));
    zk_free(grown);
    return NULL;
}

static void the_slabs_of_idle_threads_give_memory_back(void)
{
    pthread_t threads[IDLE];
    size_t before;

    CHECK(pthread_barrier_init(&used, NULL, IDLE + 1) == 0);
    CHECK(pthread_barrier_init(&wanted, NULL, IDLE + 1) == 0);
    begin_phase();
    use(MIB);
    before = resident_bytes();
    begin_phase();
    for (uintptr_t i = 0; i < IDLE; i++)
        threads[i] = start_thread(use_and_wait, (void *)(100 * i));
    pthread_barrier_wait(&used);
    end_phase();
    CHECK(SANITIZED || resident_bytes() > before + (size_t)IDLE * 59 * MIB);
    many_small_phases();
    CHECK(SANITIZED || resident_bytes() < before + (size_t)IDLE * (KEPT + 12) * MIB);
    begin_phase();
    pthread_barrier_wait(&wanted);
    for (unsigned i = 0; i < IDLE; i++)
        join_thread(threads[i]);
    end_phase();
}

static void what_was_given_back_is_zero_and_can_be_used_again(void)
{
    const size_t bytes = (size_t)20 * MIB;

    for (unsigned round = 0; round < 3; round++) {
        char *p;

        begin_phase();
        p = zk_calloc(1, bytes);
        CHECK(is_all(p, bytes, 0));
        memset(p, 0xab, bytes);
        CHECK(zk_discard_phase() == 0);
        many_small_phases();
    }
}

static void a_large_calloc_of_used_memory_is_zero(void)
{
    const size_t bytes = (size_t)40 * MIB + 12345;
    char *p;

    begin_phase();
    p = arena_block(bytes);
    memset(p, 0xab, bytes);
    zk_free(p);
    end_phase();
    begin_phase();
    arena_block(100); /* so that it starts inside a page */
    p = zk_calloc(1, bytes);
    CHECK(zk_owns(p));
    CHECK(is_all(p, bytes, 0));
}

enum { BLOCKS = 20000, BYTES = 3000 };

static char *many[BLOCKS];

/* One in so many lives: two or three in a chunk, which has 64 pages, or 16 of the largest. */
static unsigned one_in(void)
{
    return (unsigned)(zk_chunk_bytes() / 3 / BYTES) + 1;
}

static void *free_most(void *unused)
{
    const unsigned every = one_in();

    (void)unused;
    for (unsigned i = 0; i < BLOCKS; i++)
        if (i % every != 0)
            zk_free(many[i]);
    return NULL;
}

/* One block in many lives: the pages of the others are given back once no phase uses the chunks any more, whichever
 * thread freed them, and still more once some of the live blocks have died. */
static void dead_pages_beside_what_lives_are_given_back(void)
{
    const unsigned blocks = BLOCKS;
    const unsigned every = one_in();
    const size_t bytes = BYTES;
    char **p = many;
    size_t before;

    skip_under_sanitizers();
    begin_phase();
    for (unsigned i = 0; i < blocks; i++) {
        p[i] = arena_block(bytes);
        fill(p[i], bytes, i);
    }
    end_phase();
    if (fresh_number == 0)
        free_most(NULL);
    else
        run_thread(free_most, NULL);
    before = resident_bytes();
    for (unsigned i = 0; i < 200; i++) {
        begin_phase();
        zk_free(arena_block(100));
        end_phase();
    }
    CHECK(resident_bytes() < before - blocks * bytes / 2);
    before = resident_bytes();
    for (unsigned i = 0; i < blocks; i += every) {
        CHECK(is_filled(p[i], bytes, i) && zk_usable_size(p[i]) >= bytes);
        if (i % (2 * every) != 0)
            zk_free(p[i]);
    }
    for (unsigned i = 0; i < 200; i++) {
        begin_phase();
        zk_free(arena_block(100));
        end_phase();
    }
    CHECK(resident_bytes() < before - blocks * bytes / every / 4);
    for (unsigned i = 0; i < blocks; i += 2 * every) {
        CHECK(is_filled(p[i], bytes, i));
        zk_free(p[i]);
    }
    /* Everything is dead: the memory is as good as new. */
    begin_phase();
    for (unsigned i = 0; i < blocks; i++)
        CHECK(is_all(zk_calloc(1, bytes), bytes, 0));
}

#define PINNED .env = {ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.5"}
#define ROUTED .env = {"ZK_ALLOC_SLAB_GB=0.5"}

static const struct CMUnitTest tests[] = {
    FRESH_AS("the last block grows from 100", the_last_block_grows_where_it_is, PINNED,
             .number = 100),
    FRESH_AS("the last block grows from 250000", the_last_block_grows_where_it_is, PINNED,
             .number = 250000),
    FRESH_AS("the last block grows from 3000000", the_last_block_grows_where_it_is, PINNED,
             .number = 3000000),
    FRESH(a_grown_block_is_retained_and_freed_as_one, PINNED),
    FRESH(blocks_that_grow_in_turns_move_seldom, PINNED),
    FRESH(what_grows_below_min_bytes_leaves_the_arena, ROUTED),
    FRESH(outside_of_phases_a_block_leaves_the_arena, PINNED),
    FRESH(what_is_cut_to_less_than_half_gives_the_rest_back, ROUTED),
    FRESH(what_is_cut_a_little_stays, PINNED),
    FRESH(what_grows_and_shrinks_in_turn_stays, ROUTED),
    FRESH(after_a_large_phase_memory_is_given_back, PINNED),
    FRESH_AS("after a large phase memory is given back around what lives",
             after_a_large_phase_memory_is_given_back, PINNED, .number = 4),
    FRESH(dead_pages_beside_what_lives_are_given_back, PINNED),
    FRESH_AS("dead pages beside what lives are given back, freed by another thread",
             dead_pages_beside_what_lives_are_given_back, PINNED, .number = 1),
    FRESH(the_slabs_of_ended_threads_give_memory_back, PINNED),
    FRESH(the_slabs_of_idle_threads_give_memory_back, PINNED),
    FRESH(where_only_small_blocks_follow_memory_is_given_back, ROUTED),
    FRESH(what_was_given_back_is_zero_and_can_be_used_again, PINNED),
    FRESH(a_large_calloc_of_used_memory_is_zero, PINNED),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
