/*
 * test_pinned_many.c - phases much smaller than what is kept: a begin then looks at a part of the kept chunks, and at
 * all of them only now and then.
 */
#include "pinned_phases.h"

enum { kept = 200 };

/* Large blocks, which have their chunks to themselves. */
static void keep_many(char *blocks[kept])
{
    begin_phase();
    for (unsigned i = 0; i < kept; i++) {
        blocks[i] = arena_block(MIB);
        fill(blocks[i], 64, i);
    }
    end_and_begin();
    CHECK(stats_now().pinned_chunks == kept);
}

/* A walk looks at 64 chunks for each begin since the last one, or at all if there are not more than that. */
static void what_died_among_many_is_found_some_begins_later(void)
{
    char *blocks[kept];

    keep_many(blocks);
    zk_free(blocks[100]);
    end_and_begin();
    CHECK(stats_now().pinned_chunks == kept);
    for (unsigned i = 0; i < kept / 64; i++)
        end_and_begin();
    CHECK(stats_now().pinned_chunks == kept - 1);
    CHECK(arena_block(MIB) == blocks[100]);
    end_phase();
    for (unsigned i = 0; i < kept; i++)
        CHECK(i == 100 || is_filled(blocks[i], 64, i));
}

/* What a phase served is looked for at the next begin, however many are kept. */
static void what_a_small_phase_leaves_is_used_again_at_once(void)
{
    char *blocks[kept];
    char *live[3];
    char *first;

    keep_many(blocks);
    for (unsigned i = 0; i < 3; i++)
        fill(live[i] = arena_block(chunk_bytes() / 2), 5000, i);
    end_and_begin();
    first = arena_block(5000);
    for (unsigned phase = 0; phase < 50; phase++) {
        zk_free(first);
        for (unsigned i = 0; i < 10; i++)
            zk_free(arena_block(chunk_bytes() / 3));
        end_and_begin();
        CHECK(stats_now().retained_count == kept + 3);
        CHECK(stats_now().pinned_chunks <= kept + 3);
        CHECK(arena_block(5000) == first);
    }
    end_phase();
    for (unsigned i = 0; i < 3; i++)
        CHECK(is_filled(live[i], 5000, i));
}

/* A slab that is full up to some chunk, behind which each phase starts: then that chunk dies, and others before it. What
 * phases keep meanwhile lives on, and the room in front is found. */
static void a_full_front_that_dies_is_used_again(void)
{
    enum { phases = 40 };
    char *front[kept];
    char *small[phases];

    begin_phase();
    for (unsigned i = 0; i < kept; i++)
        fill(front[i] = zk_aligned_alloc(chunk_bytes(), chunk_bytes()), 64, i);
    for (unsigned i = 0; i < phases; i++) {
        end_and_begin();
        fill(small[i] = arena_block(3000), 3000, i);
        if (i % 10 == 5)
            for (unsigned k = 0; k < 10; k++) /* the last ones, and some in front */
                zk_free(front[k < 5 ? kept - 1 - i / 10 * 5 - k : i + k]);
    }
    for (unsigned i = 0; i < kept / 64 + 1; i++)
        end_and_begin();
    CHECK(small[0] > front[kept - 1] && small[phases - 1] < front[kept / 2]);
    CHECK(zk_aligned_alloc(chunk_bytes(), chunk_bytes()) <= (void *)front[kept - 1]);
    for (unsigned i = 0; i < 30; i++)
        memset(arena_block(chunk_bytes() - 100), 0xff, chunk_bytes() - 100);
    end_phase();
    for (unsigned i = 0; i < phases; i++)
        CHECK(is_filled(small[i], 3000, i));
    for (unsigned i = 50; i < kept - 30; i++)
        CHECK(is_filled(front[i], 64, i));
}

static void a_discarded_phase_among_many_is_given_up_and_nothing_else(void)
{
    char *blocks[kept];
    char *survivor;

    keep_many(blocks);
    survivor = arena_block(100);
    fill(survivor, 100, 1);
    for (unsigned i = 0; i < 20; i++) {
        end_and_begin();
        for (unsigned k = 0; k < 10; k++)
            arena_block(20000);
        CHECK(zk_discard_phase() == 0);
        begin_phase();
        arena_block(100);
        CHECK(stats_now().pinned_chunks == kept + 1);
        CHECK(zk_discard_phase() == 0);
        next_phase();
    }
    end_phase();
    CHECK(is_filled(survivor, 100, 1));
    for (unsigned i = 0; i < kept; i++)
        CHECK(is_filled(blocks[i], 64, i));
}

/* Blocks of all sizes, replaced at random, a few in each phase; some by another thread. */
static void nothing_that_lives_among_many_is_served(void)
{
    static char *blocks[4 * kept];
    static size_t bytes[4 * kept];
    uint64_t random = 5;

    begin_phase();
    for (unsigned i = 0; i < 4 * kept; i++) {
        bytes[i] = 1 + random_below(&random, i % 10 == 0 ? 3 * chunk_bytes() : chunk_bytes() / 2);
        fill(blocks[i] = arena_block(bytes[i]), bytes[i], i);
    }
    end_phase();
    for (unsigned phase = 0; phase < 1000; phase++) {
        next_phase();
        for (unsigned k = 0; k < 4; k++) {
            size_t at = random_below(&random, 4 * kept);
            char *temporary = arena_block(1 + random_below(&random, 8000));

            CHECK(is_filled(blocks[at], bytes[at], (unsigned)at));
            if (phase % 50 == 0)
                run_thread(free_block, blocks[at]);
            else
                zk_free(blocks[at]);
            bytes[at] = 1 + random_below(&random, k == 0 ? chunk_bytes() : 10000);
            fill(blocks[at] = arena_block(bytes[at]), bytes[at], (unsigned)at);
            zk_free(temporary);
        }
        end_phase();
    }
    for (unsigned i = 0; i < 4 * kept; i++)
        CHECK(is_filled(blocks[i], bytes[i], i));
}

#define MANY .env = {ALL_SIZES, SLAB_512M, UNTENURED}

static const struct CMUnitTest tests[] = {
    FRESH(what_died_among_many_is_found_some_begins_later, MANY),
    FRESH(what_a_small_phase_leaves_is_used_again_at_once, MANY),
    FRESH(a_full_front_that_dies_is_used_again, MANY),
    FRESH(a_discarded_phase_among_many_is_given_up_and_nothing_else, MANY),
    FRESH(nothing_that_lives_among_many_is_served, MANY, .says = {"MiB are pinned"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
