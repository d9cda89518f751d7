/*
 * test_misuse.c - a block may be freed once, by the address that was served. Any other free is detected before
 * it can damage a live block, and a correct one is never reported.
 */
#include "fresh.h"

enum { COUNT = 64 };

static struct {
    char *blocks[COUNT];
    size_t size;
    char *wrong; /* what is freed wrongly */
} misuse;

static void make_blocks(void)
{
    misuse.size = fresh_number;
    begin_phase();
    for (unsigned i = 0; i < COUNT; i++) {
        misuse.blocks[i] = arena_block(misuse.size);
        fill(misuse.blocks[i], misuse.size, i);
    }
}

static void next_phase(void)
{
    end_phase();
    begin_phase();
}

/* Runs phases that would reuse the memory of anything wrongly taken for dead. */
static void use_what_is_free(void)
{
    for (unsigned phase = 0; phase < 3; phase++) {
        next_phase();
        for (unsigned i = 0; i < 4 * COUNT; i++)
            memset(zk_malloc(misuse.size), 0xee, misuse.size);
    }
}

static void check_blocks_but(unsigned freed)
{
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(i == freed || is_filled(misuse.blocks[i], misuse.size, i));
}

static void *free_wrong(void *arg)
{
    zk_free(misuse.wrong);
    return arg;
}

/* ---- Twice ---- */

static void freed_twice(void)
{
    make_blocks();
    zk_free(misuse.blocks[3]);
    zk_free(misuse.blocks[3]);
    CHECK(!"reached");
}

static void freed_twice_by_others(void)
{
    make_blocks();
    misuse.wrong = misuse.blocks[3];
    run_thread(free_wrong, NULL);
    run_thread(free_wrong, NULL);
    CHECK(!"reached");
}

static void freed_by_its_owner_and_then_by_another(void)
{
    make_blocks();
    zk_free(misuse.wrong = misuse.blocks[3]);
    run_thread(free_wrong, NULL);
    CHECK(!"reached");
}

/* The holder checks only its own marks: this is detected once the counts agree, before the memory is
 * reused. */
static void freed_by_another_and_then_by_its_owner(void)
{
    make_blocks();
    misuse.wrong = misuse.blocks[3];
    run_thread(free_wrong, NULL);
    zk_free(misuse.blocks[3]);
    for (unsigned i = 5; i < COUNT; i++) /* as many frees as blocks, but one lives */
        zk_free(misuse.blocks[i]);
    for (unsigned i = 0; i < 3; i++)
        zk_free(misuse.blocks[i]);
    use_what_is_free();
    CHECK(!"reached");
}

/* What is freed again has not been reused yet: the block that comes there next would count as freed. */
static void free_all_and_make_one_again(void)
{
    make_blocks();
    for (unsigned i = 0; i < COUNT; i++)
        zk_free(misuse.blocks[i]);
    next_phase();
    CHECK(arena_block(misuse.size) == misuse.blocks[0]);
    misuse.wrong = misuse.blocks[1];
}

static void freed_again_in_the_next_phase(void)
{
    free_all_and_make_one_again();
    zk_free(misuse.wrong);
    CHECK(!"reached");
}

static void freed_again_in_the_next_phase_by_another(void)
{
    free_all_and_make_one_again();
    run_thread(free_wrong, NULL);
    CHECK(!"reached");
}

static void freed_where_nothing_was_ever_served(void)
{
    begin_phase();
    zk_free((char *)arena_block(misuse.size = fresh_number) + (size_t)48 * MIB);
    CHECK(!"reached");
}

/* ---- Inside ---- */

static void freed_inside(void)
{
    make_blocks();
    for (unsigned i = 0; i < COUNT; i++)
        if (i != 3)
            zk_free(misuse.blocks[i]);
    zk_free(misuse.blocks[3] + 16);
    use_what_is_free();
    CHECK(!"reached");
}

static void freed_inside_by_another(void)
{
    make_blocks();
    misuse.wrong = misuse.blocks[3] + 32;
    run_thread(free_wrong, NULL);
    for (unsigned i = 0; i < COUNT; i++)
        if (i != 3)
            zk_free(misuse.blocks[i]);
    use_what_is_free();
    CHECK(!"reached");
}

/* ---- Going on ---- */

static void the_program_goes_on_if_it_must(void)
{
    make_blocks();
    for (unsigned i = 0; i < COUNT; i++) {
        zk_free(misuse.blocks[3]);
        zk_free(misuse.blocks[7] + 16);
    }
    misuse.wrong = misuse.blocks[3];
    run_thread(free_wrong, NULL);
    use_what_is_free();
    check_blocks_but(3);
    CHECK(stats_now().misuses >= 2 * COUNT - 1);
}

/* However often the chunk is looked at, which as many frees as blocks make worth looking at. */
static void each_misuse_is_counted_once(void)
{
    make_blocks();
    misuse.wrong = misuse.blocks[3] + 16;
    run_thread(free_wrong, NULL);
    zk_free(misuse.blocks[7] + 16);
    for (unsigned i = 0; i < COUNT; i++)
        if (i != 3 && i != 7)
            zk_free(misuse.blocks[i]);
    zk_free(misuse.blocks[9]);
    for (unsigned phase = 0; phase < 10; phase++) {
        next_phase();
        zk_free(arena_block(misuse.size));
    }
    CHECK(stats_now().misuses == 3);
    CHECK(is_filled(misuse.blocks[3], misuse.size, 3) &&
          is_filled(misuse.blocks[7], misuse.size, 7));
}

/* Then every chunk is checked, and what is in order is still reused. */
static void going_on_takes_no_more_memory(void)
{
    size_t high_water = 0;

    for (unsigned phase = 0; phase < 100; phase++) {
        begin_phase();
        for (unsigned i = 0; i < 1000; i++)
            zk_free(arena_block(5000));
        end_phase();
        if (phase == 2)
            high_water = zk_high_water();
        CHECK(phase <= 2 || zk_high_water() == high_water);
    }
    CHECK(stats_now().misuses == 0);
}

/* ---- Nothing wrong ---- */

static void *free_some(void *arg)
{
    for (unsigned i = (unsigned)(uintptr_t)arg; i < COUNT; i += 3)
        zk_free(misuse.blocks[i]);
    return NULL;
}

/* Each block once, by one of three threads, in phases that do and do not retain something. */
static void frees_here_and_there_are_no_misuse(void)
{
    for (unsigned phase = 0; phase < 60; phase++) {
        void *kept;

        make_blocks();
        kept = phase % 3 == 0 ? arena_block(100) : NULL;
        run_thread(free_some, (void *)1);
        free_some((void *)0);
        if (phase % 2 == 0)
            end_phase();
        run_thread(free_some, (void *)2);
        if (phase % 2 != 0)
            end_phase();
        begin_phase();
        arena_block(10); /* recycles; the only block that the discard kills */
        CHECK(zk_discard_phase() == 0);
        zk_free(kept);
    }
    CHECK(stats_now().misuses == 0);
}

/* What a discard declares dead may have been freed before, by any thread, and may be freed until the next
 * begin. */
static void frees_around_a_discard_are_no_misuse(void)
{
    for (unsigned phase = 0; phase < 60; phase++) {
        make_blocks();
        free_some((void *)0);
        run_thread(free_some, (void *)1);
        CHECK(zk_discard_phase() == 0);
        if (phase % 2 == 0)
            free_some((void *)2);
        else if (phase % 3 == 0)
            run_thread(free_some, (void *)2);
        begin_phase();
        CHECK(stats_now().retained_count == 0);
        end_phase();
    }
}

static void marks_are_as_wide_as_slabs(void)
{
    char *first;

    begin_phase();
    first = arena_block(16);
    for (size_t i = 0; i < (size_t)3 << 20; i += 16) /* each granule of some chunks */
        zk_free(arena_block(16));
    zk_free(first);
    next_phase();
    for (size_t i = 0; i < (size_t)3 << 20; i += 16)
        zk_free(arena_block(16));
    next_phase();
    CHECK(stats_now().retained_count == 0);
}

#define PINNED    .env = {ALL_SIZES, SLAB_64M}
#define TRAP      "ZK_ALLOC_AUDIT=trap"
#define NO_REPORT "ZK_ALLOC_AUDIT_OUT=/dev/null"
#define GOES_ON   .env = {ALL_SIZES, SLAB_64M, "ZK_ALLOC_MISUSE=ignore"}
#define ABORTS(test, bytes, ...)                                                                   \
    FRESH_AS(#test " of " #bytes, test, PINNED, .number = bytes, .status = 128 + SIGABRT,          \
             .says = {"zkalloc: free(0x", __VA_ARGS__, "ZK_ALLOC_MISUSE"})

static const struct CMUnitTest tests[] = {
    ABORTS(freed_twice, 64, "freed twice", " 64 bytes"),
    ABORTS(freed_twice, 8192, "freed twice", " 8192 bytes"),
    ABORTS(freed_twice, 300000, "freed twice", " 300000 bytes"),
    ABORTS(freed_twice_by_others, 64, "freed twice"),
    ABORTS(freed_twice_by_others, 8192, "freed twice"),
    ABORTS(freed_by_its_owner_and_then_by_another, 64, "freed twice"),
    ABORTS(freed_by_another_and_then_by_its_owner, 64, "freed twice"),
    ABORTS(freed_by_another_and_then_by_its_owner, 8192, "freed twice"),
    ABORTS(freed_again_in_the_next_phase, 64, "freed twice"),
    ABORTS(freed_again_in_the_next_phase, 8192, "freed twice"),
    ABORTS(freed_again_in_the_next_phase_by_another, 64, "freed twice"),
    ABORTS(freed_where_nothing_was_ever_served, 64, "not a block that was ever served"),
    ABORTS(freed_inside, 64, "16 bytes inside"),
    ABORTS(freed_inside, 8192, "16 bytes inside"),
    ABORTS(freed_inside_by_another, 64, "32 bytes inside"),
    ABORTS(freed_inside_by_another, 300000, "32 bytes inside"),

#ifndef ZK_WITHOUT_AUDIT
    FRESH_AS("freed twice under the trap", freed_twice, .env = {ALL_SIZES, TRAP, NO_REPORT},
             .number = 64, .status = 128 + SIGABRT, .lines = 2,
             .says = {"freed twice, a block of 64 bytes that was allocated in test_misuse+0x"}),
    FRESH_AS("freed inside under the trap", freed_inside, .env = {ALL_SIZES, TRAP, NO_REPORT},
             .number = 8192, .status = 128 + SIGABRT, .lines = 2,
             .says = {"16 bytes inside of one of 8192 bytes that was allocated in test_misuse+0x"}),
#endif

    FRESH_AS("the program goes on with 64", the_program_goes_on_if_it_must, GOES_ON, .number = 64,
             .says = {"zkalloc: free(0x", "ignored"}),
    FRESH_AS("the program goes on with 8192", the_program_goes_on_if_it_must, GOES_ON,
             .number = 8192, .says = {"zkalloc: free(0x", "ignored"}),
    FRESH_AS("each misuse is counted once, of 64", each_misuse_is_counted_once, GOES_ON,
             .number = 64, .says = {"zkalloc: free(0x", "ignored"}),
    FRESH_AS("each misuse is counted once, of 8192", each_misuse_is_counted_once, GOES_ON,
             .number = 8192, .says = {"zkalloc: free(0x", "ignored"}),
    FRESH(going_on_takes_no_more_memory, GOES_ON),

    FRESH_AS("frees here and there of 64", frees_here_and_there_are_no_misuse, PINNED,
             .number = 64),
    FRESH_AS("frees here and there of 30000", frees_here_and_there_are_no_misuse, PINNED,
             .number = 30000),
    FRESH_AS("frees here and there of 300000", frees_here_and_there_are_no_misuse, PINNED,
             .number = 300000),
    FRESH_AS("frees around a discard of 64", frees_around_a_discard_are_no_misuse, PINNED,
             .number = 64),
    FRESH_AS("frees around a discard of 300000", frees_around_a_discard_are_no_misuse, PINNED,
             .number = 300000),
    FRESH(marks_are_as_wide_as_slabs, PINNED),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
