/*
 * test_pinned_runs.c - which runs of a slab pinned recycling reclaims at a begin, in which order, and what they
 * contain.
 */
#include "pinned_phases.h"

/* ---- Rewind or walk ---- */

static void nothing_retained_is_a_rewind_to_the_slabs_first_byte(void)
{
    for (unsigned phase = 1; phase <= 100; phase++) {
        char *p;

        begin_phase();
        p = arena_block(100);
        CHECK(p == slab_start_of(p));
        CHECK(stats_now().rewinds == phase && stats_now().walks == 0);
        zk_free(p);
        for (unsigned i = 0; i < phase; i++)
            zk_free(arena_block(10000));
        end_phase();
    }
}

static void one_retained_is_a_walk_until_it_is_freed(void)
{
    char *p;

    begin_phase();
    p = arena_block(100);
    for (unsigned phase = 1; phase <= 10; phase++) {
        end_and_begin();
        CHECK(stats_now().walks == phase && stats_now().rewinds == 1);
        CHECK(stats_now().retained_count == 1 && stats_now().pinned_chunks == 1);
    }
    zk_free(p);
    end_and_begin();
    CHECK(stats_now().walks == 10 && stats_now().rewinds == 2);
    CHECK(stats_now().pinned_chunks == 0);
}

static void *free_it_with_a_slab(void *arg)
{
    zk_free(arena_block(16));
    zk_free(arg);
    return NULL;
}

static void a_free_on_another_thread_counts_as_well(void)
{
    begin_phase();
    for (unsigned phase = 1; phase <= 20; phase++) {
        void *p = arena_block(100);

        run_thread(phase % 2 == 0 ? free_block : free_it_with_a_slab, p);
        end_and_begin();
        CHECK(stats_now().walks == 0 && stats_now().pinned_chunks == 0);
    }
}

/* ---- Where ---- */

/* Fills the slab's first `chunks` chunks with four blocks each. */
static void four_blocks_each(char **blocks, size_t chunks)
{
    for (size_t i = 0; i < 4 * chunks; i++) {
        blocks[i] = arena_block(chunk_bytes() / 4);
        CHECK(i == 0 || blocks[i] == blocks[i - 1] + chunk_bytes() / 4);
        fill(blocks[i], chunk_bytes() / 4, (unsigned)i);
    }
}

static void runs_between_pins_are_used_in_the_order_of_addresses(void)
{
    enum { chunks = 16 };
    char *blocks[4 * chunks];
    char *base;
    char *before;

    begin_phase();
    four_blocks_each(blocks, chunks);
    base = blocks[0];
    for (size_t i = 0; i < 4 * chunks; i++)
        if (i % 8 != 5) /* one in every second chunk stays */
            zk_free(blocks[i]);
    end_phase();
    begin_phase();
    before = base - 1;
    for (size_t i = 0; i < 4 * chunks; i++) {
        char *p = arena_block(chunk_bytes() / 4);
        size_t chunk = (size_t)(p - base) / chunk_bytes();

        CHECK(p > before);
        CHECK(chunk % 2 == 0 || chunk >= chunks);
        CHECK(i / 4 * 2 >= chunks || chunk == i / 4 * 2); /* none is skipped */
        fill(p, chunk_bytes() / 4, 1000);
        before = p;
    }
    for (size_t i = 5; i < 4 * chunks; i += 8)
        CHECK(is_filled(blocks[i], chunk_bytes() / 4, (unsigned)i));
}

static void what_is_pinned_and_reclaimed_is_counted(void)
{
    char *blocks[16];
    size_t chunk = chunk_bytes();
    struct zk_stats stats;

    begin_phase();
    four_blocks_each(blocks, 4);
    for (size_t i = 0; i < 16; i++)
        if (i != 5 && i != 6 && i != 14)
            zk_free(blocks[i]);
    end_phase();
    next_phase(); /* 16 bytes */
    stats = stats_now();
    CHECK(stats.pinned_chunks == 2 && stats.pinned_bytes == 2 * chunk);
    CHECK(stats.reclaimed_bytes == 2 * chunk);
    CHECK(stats.retained_count == 3);
    zk_free(blocks[14]);
    end_and_begin();
    stats = stats_now();
    CHECK(stats.pinned_chunks == 1 && stats.pinned_bytes == chunk);
    CHECK(stats.reclaimed_bytes == 3 * chunk + 16);
    zk_free(blocks[5]);
    zk_free(blocks[6]);
    end_and_begin();
    stats = stats_now();
    CHECK(stats.pinned_chunks == 0 && stats.pinned_bytes == 0);
    CHECK(stats.reclaimed_bytes == 4 * chunk + 32);
    CHECK(stats.rewinds == 2 && stats.walks == 2);
}

/* Blocks across several chunks, which end inside chunks in which others start. */
static void blocks_over_many_chunks_are_kept_whole(void)
{
    enum { count = 6, phases = 40 }; /* of at most 27 chunks: too few to be told of */
    char *blocks[count] = {NULL};
    size_t sizes[count] = {0};
    uint64_t random = 5;

    for (unsigned phase = 0; phase < phases; phase++) {
        begin_phase();
        for (unsigned i = 0; i < count; i++) {
            CHECK(blocks[i] == NULL || is_filled(blocks[i], sizes[i], i));
            CHECK(blocks[i] == NULL || zk_usable_size(blocks[i]) >= sizes[i]);
            if (random_below(&random, 3) != 0)
                continue;
            zk_free(blocks[i]);
            sizes[i] = chunk_bytes() / 2 + random_below(&random, 4 * chunk_bytes());
            blocks[i] = zk_malloc(sizes[i]);
            fill(blocks[i], sizes[i], i);
        }
        end_phase();
    }
    CHECK(stats_now().walks > phases / 2);
}

/* Every chunk of the slab has a survivor: all other blocks come from system, and nothing breaks. */
static void a_slab_full_of_pins_overflows_to_system(void)
{
    char *kept[64];
    size_t count = 0;
    char *p;

    begin_phase();
    while (zk_owns(p = zk_malloc(chunk_bytes() / 2))) {
        if (count % 2 == 0)
            fill(kept[count / 2] = p, 1000, (unsigned)count);
        else
            zk_free(p);
        count++;
    }
    zk_free(p);
    CHECK(count == 2 * 16 * MIB / chunk_bytes() - 1); /* for a cache line before each */
    end_phase();
    begin_phase();
    p = system_block(100);
    fill(p, 100, 7);
    CHECK(stats_now().pinned_chunks == 16 * MIB / chunk_bytes());
    for (size_t i = 0; i < count; i += 2)
        CHECK(is_filled(kept[i / 2], 1000, (unsigned)i));
    for (size_t i = 0; i < count; i += 2)
        zk_free(kept[i / 2]);
    end_phase();
    begin_phase();
    CHECK(is_filled(p, 100, 7));
    zk_free(p);
    CHECK(zk_owns(zk_malloc(16 * MIB)));
}

/* ---- What they contain ---- */

/* Leaves every third chunk pinned, and the rest of the first 30 chunks dirty. */
static void pin_every_third(char *pinned[10])
{
    char *blocks[120];

    begin_phase();
    four_blocks_each(blocks, 30);
    for (size_t i = 0; i < 120; i++)
        if (i % 12 != 6)
            zk_free(blocks[i]);
        else
            pinned[i / 12] = blocks[i];
    end_phase();
}

static void check_pinned(char *const pinned[10])
{
    for (size_t i = 0; i < 10; i++)
        CHECK(is_filled(pinned[i], chunk_bytes() / 4, (unsigned)(12 * i + 6)));
}

static void calloc_zeroes_in_reclaimed_runs(void)
{
    char *pinned[10];

    pin_every_third(pinned);
    for (unsigned phase = 0; phase < 5; phase++) {
        begin_phase();
        for (unsigned i = 0; i < 300; i++) {
            size_t size = i % 40 == 39 ? 2 * chunk_bytes() - 1000 : 1 + 100 * (size_t)i;
            char *p = zk_calloc(1, size);

            CHECK(zk_owns(p) && is_all(p, size, 0));
            memset(p, 0xff, size);
            zk_free(p);
        }
        end_phase();
        check_pinned(pinned);
    }
}

static void poison_reset_clears_what_is_reclaimed_and_nothing_else(void)
{
    char *pinned[10];
    char *odd; /* ends inside a chunk, and inside a page */
    size_t odd_bytes = chunk_bytes() + 1000;

    pin_every_third(pinned);
    begin_phase();
    check_pinned(pinned);
    odd = arena_block(odd_bytes);
    fill(odd, odd_bytes, 9);
    for (unsigned i = 0; i < 60; i++) {
        char *p = arena_block(5000);

        CHECK(is_all(p, 5000, 0));
        memset(p, 0xff, 5000);
        zk_free(p);
    }
    end_phase();
    begin_phase();
    for (unsigned i = 0; i < 60; i++)
        CHECK(is_all(arena_block(5000), 5000, 0));
    CHECK(is_filled(odd, odd_bytes, 9));
    check_pinned(pinned);
}

static const struct CMUnitTest tests[] = {
    FRESH(nothing_retained_is_a_rewind_to_the_slabs_first_byte, PINNED_SMALL),
    FRESH(one_retained_is_a_walk_until_it_is_freed, PINNED_SMALL),
    FRESH(a_free_on_another_thread_counts_as_well, PINNED_SMALL),

    FRESH(runs_between_pins_are_used_in_the_order_of_addresses,
          .env = {ALL_SIZES, SLAB_64M, UNTENURED}),
    FRESH(what_is_pinned_and_reclaimed_is_counted, PINNED_SMALL),
    FRESH(blocks_over_many_chunks_are_kept_whole, PINNED_SMALL),
    FRESH(a_slab_full_of_pins_overflows_to_system, .env = {ALL_SIZES, SLAB_16M},
          .says = {"16 MiB are pinned"}),

    FRESH(calloc_zeroes_in_reclaimed_runs, PINNED_SMALL),
    FRESH(poison_reset_clears_what_is_reclaimed_and_nothing_else,
          .env = {ALL_SIZES, SLAB_64M, "ZK_ALLOC_POISON_RESET=1"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
