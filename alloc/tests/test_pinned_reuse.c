/*
 * test_pinned_reuse.c - how much memory pinned recycling takes, and what it reuses in the middle of a
 * phase.
 */
#include "pinned_phases.h"

/* ---- How much ---- */

static void resident_memory_is_flat_after_the_tenth_phase(void)
{
    enum { phases = 1000, blocks = 64, tenth = 10 };
    char *retained[3] = {NULL, NULL, NULL}; /* from this phase and the two before it */
    uint64_t random = 1;
    size_t at_tenth = 0;

    if (SANITIZED)
        skip_because("the sanitizer's own memory");
    for (unsigned phase = 0; phase < phases; phase++) {
        size_t at = random_below(&random, blocks);

        begin_phase();
        CHECK(phase < 2 || is_filled(retained[(phase + 1) % 3], 1000, phase - 2));
        zk_free(retained[(phase + 1) % 3]);
        for (size_t i = 0; i < blocks; i++) {
            char *p = arena_block(65536);

            memset(p, 1, 65536);
            zk_free(p);
            if (i == at)
                fill(retained[phase % 3] = arena_block(1000), 1000, phase);
        }
        end_phase();
        if (phase == tenth)
            at_tenth = resident_bytes();
        if (phase > tenth)
            CHECK(resident_bytes() <= at_tenth + 2 * chunk_bytes());
    }
    CHECK(stats_now().overflow_count == 0);
}

/* Pinned chunks leave runs of 1 MiB; then there are phases of 2 MiB blocks, all alive at once, which fit
 * into none of these: after enough phases the runs hold no memory any more. */
static void runs_that_no_phase_uses_are_given_back(void)
{
    enum { pins = 20, blocks = 4, phases = 64 };
    char *pinned[pins];
    char *large[pins];
    size_t before;

    if (SANITIZED)
        skip_because("the sanitizer's own memory");
    next_phase();
    before = resident_bytes();
    for (unsigned i = 0; i < pins; i++) {
        large[i] = arena_block(MIB);
        memset(large[i], 1, MIB);
        pinned[i] = arena_block(100);
        fill(pinned[i], 100, i);
    }
    for (unsigned i = 0; i < pins; i++)
        zk_free(large[i]);
    end_phase();
    for (unsigned phase = 0; phase < phases; phase++) {
        next_phase();
        for (unsigned i = 0; i < blocks; i++) {
            large[i] = arena_block(2 * MIB);
            memset(large[i], 2, 2 * MIB);
        }
        for (unsigned i = 0; i < blocks; i++)
            zk_free(large[i]);
        end_phase();
    }
    CHECK(stats_now().pinned_chunks > 0);
    for (unsigned i = 0; i < pins; i++)
        CHECK(is_filled(pinned[i], 100, i));
    CHECK(resident_bytes() <= before + blocks * 2 * MIB + pins * chunk_bytes());
}

/* ---- In the middle of a phase ---- */

/* Serves 100 times what the slab has room for, one block at a time, of sizes around a chunk's and
 * above. */
static void what_has_died_is_used_again_in_the_same_phase(void)
{
    char *kept;

    begin_phase();
    kept = arena_block(5000);
    fill(kept, 5000, 1);
    for (unsigned i = 0; i < 800; i++) {
        size_t bytes = 2 * MIB + i * 48;
        char *p = arena_block(bytes);

        memset(p, 2, bytes);
        zk_free(p);
        p = arena_block(chunk_bytes() / 3 + i * 16);
        memset(p, 3, chunk_bytes() / 3);
        zk_free(p);
    }
    CHECK(is_filled(kept, 5000, 1));
    CHECK(stats_now().reuses > 100 && stats_now().overflow_count == 0);
    end_phase();
}

/* The same while a changing window of blocks lives. */
static void what_lives_stays_where_it_is_while_the_rest_is_used_again(void)
{
    enum { window = 24 };
    char *live[window] = {NULL};
    size_t bytes[window] = {0};
    uint64_t random = 7;

    begin_phase();
    for (unsigned i = 0; i < 5000; i++) {
        size_t at = random_below(&random, window);

        CHECK(live[at] == NULL || is_filled(live[at], bytes[at], (unsigned)at));
        zk_free(live[at]);
        bytes[at] = 1 + random_below(&random, i % 4 == 0 ? MIB : 20000);
        live[at] = arena_block(bytes[at]);
        fill(live[at], bytes[at], (unsigned)at);
    }
    CHECK(stats_now().reuses > 100 && stats_now().overflow_count == 0);
    for (size_t at = 0; at < window; at++)
        CHECK(live[at] == NULL || is_filled(live[at], bytes[at], (unsigned)at));
    end_phase();
}

static void what_another_thread_frees_is_used_again_in_the_same_phase(void)
{
    begin_phase();
    for (unsigned i = 0; i < 100; i++)
        run_thread(free_block, arena_block(2 * MIB));
    CHECK(stats_now().overflow_count == 0);
    end_phase();
}

/* calloc does not zero what has never been handed out: it must not mistake a second use for the
 * first. */
static void calloc_zeroes_what_is_used_again(void)
{
    begin_phase();
    for (unsigned i = 0; i < 100; i++) {
        char *p = zk_calloc(1, 2 * MIB);

        CHECK(p != NULL && zk_owns(p) && is_all(p, 2 * MIB, 0));
        memset(p, 0xff, 2 * MIB);
        zk_free(p);
    }
    end_phase();
}

/* A loop with a few large buffers, of which each is freed and taken again, while something lives around them. Each stays
 * where it is; one of another size, or that another thread has freed, need not. */
static void large_blocks_come_again_where_they_were(void)
{
    static const size_t bytes[] = {3 * MIB, 2 * MIB, MIB + 5000};
    enum { buffers = sizeof bytes / sizeof *bytes };
    char *buffer[buffers];
    char *between[buffers];
    uint64_t reached;

    begin_phase();
    for (unsigned i = 0; i < buffers; i++) {
        buffer[i] = arena_block(bytes[i]);
        between[i] = arena_block(100);
        fill(between[i], 100, i);
    }
    reached = stats_now().arena_bytes;
    for (unsigned i = 0; i < 300; i++) {
        unsigned at = i * 7 % buffers;

        memset(buffer[at], 0xff, bytes[at]);
        zk_free(buffer[at]);
        CHECK(zk_malloc(bytes[at]) == buffer[at]);
        CHECK(zk_usable_size(buffer[at]) >= bytes[at]);
    }
    CHECK(stats_now().arena_count == 2 * buffers + 300);
    CHECK(stats_now().arena_bytes > reached + 300 * MIB);
    run_thread(free_block, buffer[0]);
    buffer[0] = arena_block(bytes[0]);
    fill(buffer[0], bytes[0], 7);
    zk_free(buffer[1]);
    buffer[1] = arena_block(bytes[1] + 16);
    fill(buffer[1], bytes[1] + 16, 8);
    for (unsigned i = 0; i < buffers; i++)
        CHECK(is_filled(between[i], 100, i));
    CHECK(is_filled(buffer[0], bytes[0], 7));
    end_and_begin();
    arena_block(4 * MIB);
    CHECK(is_filled(buffer[0], bytes[0], 7) && is_filled(buffer[1], bytes[1] + 16, 8));
    end_phase();
}

/* What was there before bumping started over is not served in its old place: bumping comes there again. */
static void a_large_block_of_the_last_phase_does_not_come_again(void)
{
    char *small;
    char *large[2];

    begin_phase();
    small = arena_block(100);
    large[0] = arena_block(3 * MIB);
    zk_free(small);
    zk_free(large[0]);
    end_phase();
    begin_phase();
    small = arena_block(100);
    fill(small, 100, 1);
    zk_free(arena_block(100));
    for (unsigned i = 0; i < 2; i++) {
        large[i] = arena_block(3 * MIB);
        fill(large[i], 3 * MIB, i + 2);
    }
    CHECK(is_filled(small, 100, 1) && is_filled(large[0], 3 * MIB, 2));
    end_phase();
}

/* Columns of fresh_number bytes, a power of two, one after the other, that are walked through together: they must not
 * all start in the same cache line of a page. */
static void equal_blocks_do_not_start_in_the_same_line(void)
{
    const uintptr_t lines = 4096 / 64;
    unsigned same[4096 / 64] = {0};

    begin_phase();
    for (unsigned i = 0; i < 16; i++)
        same[(uintptr_t)arena_block(fresh_number) / 64 % lines]++;
    for (unsigned i = 0; i < lines; i++)
        CHECK(same[i] <= 2);
    end_phase();
}

/* If a hole has room for a large block without its colour (see stagger), it is used. */
static void a_hole_of_a_large_blocks_size_is_used_again(void)
{
    enum { large = 4 * MIB, blocks = 4 };
    char *block[blocks];
    char *between[blocks];

    begin_phase();
    for (unsigned i = 0; i < blocks; i++) {
        block[i] = arena_block(large);
        fill(block[i], large, i);
        between[i] = arena_block(100);
    }
    for (unsigned i = 0; i < blocks; i++) {
        char *before = block[i];

        zk_free(block[i]);
        block[i] = arena_block(large);
        CHECK(block[i] + 4096 > before && block[i] < before + 4096);
        CHECK((uintptr_t)block[i] % 64 == 0);
        fill(block[i], large, i + blocks);
        fill(between[i], 100, i);
    }
    end_phase();
    begin_phase();
    arena_block(100);
    for (unsigned i = 0; i < blocks; i++) {
        CHECK(is_filled(block[i], large, i + blocks) && is_filled(between[i], 100, i));
        CHECK(zk_usable_size(block[i]) >= large);
    }
    end_phase();
}

/* The slab is full, and dead chunks were looked for a moment ago; then all but one of its blocks die. What is
 * refused counts towards the next search, so only a few blocks come from system. */
static void a_full_slab_is_looked_at_again(void)
{
    enum { blocks = 1024 };
    static char *block[blocks];
    const unsigned in_chunk = (unsigned)(chunk_bytes() / (64 * MIB / blocks));
    unsigned refused = 0;

    begin_phase();
    for (unsigned i = 0; i < blocks; i++)
        block[i] = arena_block(64 * MIB / blocks);
    for (unsigned i = 0; i < blocks; i++) {
        if (i != blocks / 2)
            zk_free(block[i]);
        if (i == in_chunk - 1) /* the first chunk is dead: it is found, and filled */
            for (unsigned k = 0; k < in_chunk; k++)
                arena_block(64 * MIB / blocks);
    }
    for (unsigned i = 0; i < 100; i++)
        refused += !zk_owns(zk_malloc(64 * MIB / blocks));
    CHECK(refused < 20);
    end_phase();
}

/* Zeroed blocks always take the slow path. Half of them live, so no chunk dies: then a chunk is filled
 * before the next one is started, however often dead chunks are looked for. */
static void chunks_with_live_blocks_are_filled(void)
{
    begin_phase();
    for (unsigned i = 0; i < 1900; i++) {
        CHECK(zk_owns(zk_calloc(1, 4096)));
        zk_free(zk_calloc(1, 4096));
    }
    CHECK(stats_now().overflow_count == 0);
    end_phase();
}

/* A filler needs to cover only the part of the slab that was reached, however much was served from
 * it. */
static void the_high_water_is_what_was_reached(void)
{
    begin_phase();
    for (unsigned i = 0; i < 100; i++)
        zk_free(arena_block(3 * MIB));
    end_phase();
    CHECK(zk_high_water() >= 3 * MIB && zk_high_water() < 7 * MIB);
    next_phase();
    CHECK(zk_high_water() >= 3 * MIB && zk_high_water() < 7 * MIB);
    end_phase();
}

/* Blind recycling looks for nothing to reuse inside a phase. */
static void blind_uses_nothing_again_before_the_next_begin(void)
{
    const char *last = NULL;

    begin_phase();
    for (unsigned i = 0; i < 8; i++) {
        char *p = arena_block(2 * MIB);

        CHECK(p > last);
        zk_free(p);
        last = p;
    }
    CHECK(!zk_owns(zk_malloc(2 * MIB)) && stats_now().reuses == 0);
    end_phase();
}

/* With R blocks retained, at most R chunks are pinned; and bumping gets at most as far as the sum
 * of what is pinned, what the phase takes, and what is left over before each pinned chunk. */
static void slab_use_is_bounded_by_the_phase_and_what_is_pinned(void)
{
    enum { retained_most = 40, phases = 300, blocks = 500, largest = 20000 };
    char *retained[retained_most] = {NULL};
    uint64_t random = 2;

    for (unsigned phase = 0; phase < phases; phase++) {
        size_t phase_bytes = 0;
        size_t reached = 0;
        size_t runs;
        struct zk_stats stats;

        next_phase();
        stats = stats_now();
        CHECK(stats.pinned_chunks <= retained_most);
        CHECK(stats.pinned_bytes <= stats.pinned_chunks * (chunk_bytes() + largest));
        for (size_t i = 0; i < blocks; i++) {
            size_t size = 1 + random_below(&random, largest);
            size_t kept = random_below(&random, 10 * retained_most);
            char *p = arena_block(size);

            phase_bytes += granules(size);
            if ((size_t)(p + size - slab_start_of(p)) > reached)
                reached = (size_t)(p + size - slab_start_of(p));
            if (kept < retained_most) { /* so each lives for about 40 * 10 blocks */
                zk_free(retained[kept]);
                retained[kept] = p;
            } else {
                zk_free(p);
            }
        }
        /* What is used again within the phase leaves over as much before each chunk that the phase pins itself. */
        runs = stats.pinned_chunks + phase_bytes / (chunk_bytes() - 2 * largest) + 1;
        CHECK(reached <= phase_bytes + 16 + stats.pinned_bytes + runs * largest);
        end_phase();
    }
}

static void a_small_retained_block_does_not_keep_the_large_one_behind_it(void)
{
    char *small;
    char *large;

    begin_phase();
    small = arena_block(100);
    large = arena_block(20 * MIB);
    fill(small, 100, 1);
    zk_free(large);
    end_and_begin();
    CHECK(stats_now().pinned_bytes <= 2 * chunk_bytes());
    CHECK(is_filled(small, 100, 1));
    CHECK((char *)arena_block(20 * MIB) <= large + MIB);
}

static const struct CMUnitTest tests[] = {
    FRESH(resident_memory_is_flat_after_the_tenth_phase, PINNED_SMALL),
    FRESH(runs_that_no_phase_uses_are_given_back, PINNED_SMALL),
    FRESH(slab_use_is_bounded_by_the_phase_and_what_is_pinned,
          .env = {ALL_SIZES, SLAB_64M, UNTENURED}),
    FRESH(a_small_retained_block_does_not_keep_the_large_one_behind_it, PINNED_SMALL),

    FRESH(what_has_died_is_used_again_in_the_same_phase, .env = {ALL_SIZES, SLAB_16M}),
    FRESH(what_lives_stays_where_it_is_while_the_rest_is_used_again, .env = {ALL_SIZES, SLAB_64M}),
    FRESH(what_another_thread_frees_is_used_again_in_the_same_phase, .env = {ALL_SIZES, SLAB_16M}),
    FRESH(calloc_zeroes_what_is_used_again, .env = {ALL_SIZES, SLAB_16M}),
    FRESH(large_blocks_come_again_where_they_were, .env = {ALL_SIZES, SLAB_64M}),
    FRESH(a_large_block_of_the_last_phase_does_not_come_again, PINNED_SMALL),
    FRESH(a_full_slab_is_looked_at_again, PINNED_SMALL),
    FRESH(chunks_with_live_blocks_are_filled, .env = {ALL_SIZES, SLAB_16M}),
    FRESH(the_high_water_is_what_was_reached, PINNED_SMALL),
    FRESH_AS("blocks of 512 KiB do not start in the same line",
             equal_blocks_do_not_start_in_the_same_line, PINNED_SMALL, .number = MIB / 2),
    FRESH_AS("blocks of 1 MiB do not start in the same line",
             equal_blocks_do_not_start_in_the_same_line, PINNED_SMALL, .number = MIB),
    FRESH_AS("blocks of 2 MiB do not start in the same line",
             equal_blocks_do_not_start_in_the_same_line, PINNED_SMALL, .number = 2 * MIB),
    FRESH(a_hole_of_a_large_blocks_size_is_used_again, PINNED_SMALL),
    FRESH(blind_uses_nothing_again_before_the_next_begin, .env = {BLIND, ALL_SIZES, SLAB_16M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
