/*
 * test_tenure.c - sizes whose blocks survive here and there leave the arena; others stay; and what was learned is
 * forgotten, with time or at once.
 */
#include "fresh.h"

#include "slab.h"

enum {
    KEPT = 5000, /* the size of the blocks that survive */
    GONE = 9000, /* the size of all others */
    BETWEEN = 60,
    CHUNKS_MIB =
        10 /* kept by one block each in as many phases: more than may be wasted, which is 2, and less than 16,
                       of which the program is told */
};

static char *kept[4096];
static unsigned count;

/* Phases that learn. */
static unsigned lessons(void)
{
    return (unsigned)(CHUNKS_MIB * MIB / zk_chunk_bytes());
}

/* Runs a phase in which one block survives among many that do not. True if it is in the arena. */
static bool one_survives(size_t size)
{
    char *gone[BETWEEN];

    begin_phase();
    for (unsigned i = 0; i < BETWEEN; i++) {
        gone[i] = arena_block(GONE);
        memset(gone[i], 1, GONE);
        if (i == BETWEEN / 2) {
            kept[count] = zk_malloc(size);
            fill(kept[count], size, count);
            count++;
        }
    }
    for (unsigned i = 0; i < BETWEEN; i++)
        zk_free(gone[i]);
    end_phase();
    return zk_owns(kept[count - 1]);
}

static void all_are_intact(size_t size)
{
    for (unsigned i = 0; i < count; i++)
        CHECK(is_filled(kept[i], size, i));
}

static void learn(void)
{
    for (unsigned i = 0; i < lessons(); i++)
        one_survives(KEPT);
}

static void a_size_that_survives_leaves_the_arena(void)
{
    CHECK(one_survives(KEPT));
    learn();
    CHECK(!one_survives(KEPT));
    CHECK(stats_now().tenured_classes == 1);
    CHECK(stats_now().tenured_from <= KEPT && stats_now().tenured_below > KEPT);
    CHECK(stats_now().pinned_chunks < lessons());
    all_are_intact(KEPT);
}

/* Sizes above the learned one on the fast path, and smaller ones without it. */
static void other_sizes_stay(void)
{
    static const size_t sizes[] = {1, 100, 4000, GONE, 100000, 3000000};

    learn();
    begin_phase();
    for (unsigned round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            fill(arena_block(sizes[i]), sizes[i], round);
    system_block(KEPT);
    CHECK(!zk_owns(zk_calloc(1, KEPT)) && !zk_owns(zk_aligned_alloc(64, KEPT)));
    CHECK(zk_owns(zk_calloc(1, GONE)) && zk_owns(zk_aligned_alloc(64, GONE)));
    CHECK(!zk_owns(zk_realloc(arena_block(100), KEPT)));
}

/* Just below a boundary between classes, which rounding up to the granule crosses. */
static void sizes_are_told_apart_as_blocks_are_rounded(void)
{
    for (size_t size = 5 << 10; size > (5 << 10) - 16; size--) {
        for (unsigned i = 0; i < lessons(); i++)
            one_survives(size);
        CHECK(!one_survives(size));
        CHECK(stats_now().tenured_from == 5 << 10 && stats_now().tenured_below == 6 << 10);
    }
    begin_phase();
    arena_block((5 << 10) - 16);
    arena_block(6 << 10);
    system_block((6 << 10) - 16);
}

/* All blocks live: nothing is wasted. */
static void what_survives_side_by_side_stays(void)
{
    enum { phases = 5, blocks = 10 * BETWEEN };

    for (unsigned phase = 0; phase < phases; phase++) {
        begin_phase();
        for (unsigned i = 0; i < blocks; i++)
            fill(arena_block(KEPT), KEPT, i);
        end_phase();
    }
    begin_phase();
    arena_block(GONE);
    CHECK(stats_now().tenured_classes == 0);
    CHECK(stats_now().pinned_bytes >= (size_t)phases * blocks * KEPT);
}

/* The same few chunks are kept by blocks that are made in each phase and live until the next. */
static void a_little_waste_is_nothing_to_learn_from(void)
{
    for (unsigned phase = 0; phase < 10 * lessons(); phase++) {
        one_survives(KEPT);
        if (count > 1) {
            zk_free(kept[0]);
            kept[0] = kept[--count];
        }
    }
    CHECK(stats_now().tenured_classes == 0);
}

static void what_was_learned_is_forgotten_and_learned_again(void)
{
    unsigned in_arena = 0;
    unsigned longest = 0;
    unsigned run = 0;

    learn();
    for (unsigned i = 0; i < 2000; i++) {
        bool arena = one_survives(KEPT);

        in_arena += arena;
        run = arena ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    /* Forgotten after 64 phases, and then each time after twice as many: less than ten times. */
    CHECK(in_arena > 2 && in_arena < 20);
    CHECK(longest > 500);
    all_are_intact(KEPT);
}

/* Such a program relies on unfreed blocks being gone. */
static void who_discards_learns_nothing(void)
{
    learn();
    CHECK(stats_now().tenured_classes == 1);
    begin_phase();
    CHECK(zk_discard_phase() == 0);
    CHECK(stats_now().tenured_classes == 0);
    learn();
    CHECK(one_survives(KEPT));
}

static void within_one_phase_it_is_learned_too(void)
{
    enum { survivors = 200, temporaries = 4096 };
    char *small[survivors];

    begin_phase();
    for (unsigned i = 0; i < survivors; i++) {
        small[i] = zk_malloc(16);
        memset(small[i], (int)i, 16);
        for (unsigned j = 0; j < temporaries; j++)
            zk_free(arena_block(64));
    }
    CHECK(!zk_owns(small[survivors - 1]));
    CHECK(stats_now().tenured_classes == 1);
    for (unsigned i = 0; i < survivors; i++)
        CHECK(is_all(small[i], 16, i % 256));
}

static void off_is_off(void)
{
    learn();
    CHECK(one_survives(KEPT));
    CHECK(stats_now().tenured_classes == 0);
    all_are_intact(KEPT);
}

#ifndef ZK_WITHOUT_AUDIT
/* The trap and the census count what would happen under blind. */
static void an_audited_program_learns_nothing(void)
{
    for (unsigned i = 0; i < lessons(); i++)
        one_survives(KEPT);
    CHECK(stats_now().tenured_classes == 0);
}
#endif

#define PINNED .env = {ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.5"}

static const struct CMUnitTest tests[] = {
    FRESH(a_size_that_survives_leaves_the_arena, PINNED),
    FRESH(other_sizes_stay, PINNED),
    FRESH(sizes_are_told_apart_as_blocks_are_rounded, PINNED),
    FRESH(what_survives_side_by_side_stays, PINNED),
    FRESH(a_little_waste_is_nothing_to_learn_from, PINNED),
    FRESH(what_was_learned_is_forgotten_and_learned_again, PINNED),
    FRESH(who_discards_learns_nothing, PINNED),
    FRESH(within_one_phase_it_is_learned_too, PINNED),
    FRESH(off_is_off, .env = {ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.5", UNTENURED}),
#ifndef ZK_WITHOUT_AUDIT
    FRESH(an_audited_program_learns_nothing,
          .env = {ALL_SIZES, "ZK_ALLOC_SLAB_GB=0.5", "ZK_ALLOC_AUDIT=census",
                  "ZK_ALLOC_AUDIT_OUT=/dev/null"}),
#endif
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
