/*
 * test_zeroed.c - large zeroed blocks in memory that was used before: those of a program that uses them are overwritten,
 * those of one that does not are the kernel's zero pages.
 */
#include "emulator.h"

static const size_t large = (size_t)64 * MIB;

/* What is resident when the arena is there: an emulator has books on its pages. */
static size_t base;

static void make_arena(void)
{
    begin_phase();
    end_phase();
    base = resident_bytes();
}

static size_t page_faults(void)
{
    struct rusage usage;

    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return (size_t)usage.ru_minflt;
}

/* What it takes to use fresh memory: under an emulator, several for each of its pages. */
static size_t page_faults_of(size_t bytes)
{
    char *p = mapped_pages(bytes);
    size_t before = page_faults();

    memset(p, 1, bytes);
    CHECK(munmap(p, bytes) == 0);
    return page_faults() - before;
}

/* Those of a try or two, of a piece of 4 MiB each: one to read a page of it, and one to write it. */
static size_t few_faults(void)
{
    return 2 * 2 * page_faults_of(4 * MIB);
}

static char *zeroed_block(void)
{
    char *p = zk_calloc(1, large);

    CHECK(p != NULL && zk_owns(p));
    return p;
}

/* All of it. Returns the page faults that it took. */
static size_t used_phase(void)
{
    size_t before = page_faults();
    void *small;
    char *p;

    begin_phase();
    small = arena_block(100); /* so that it starts inside a page */
    p = zeroed_block();
    CHECK(is_all(p, large, 0));
    memset(p, 0xab, large);
    zk_free(p);
    zk_free(small);
    end_phase();
    return page_faults() - before;
}

/* A byte in each `stride` bytes. Returns how much memory it took. */
static size_t strided_phase(size_t stride)
{
    size_t before;
    size_t after;
    void *small;
    char *p;

    begin_phase();
    small = arena_block(100);
    p = zeroed_block();
    before = resident_bytes();
    for (size_t at = 0; at < large; at += stride) {
        CHECK(p[at] == 0);
        p[at] = 1;
    }
    after = resident_bytes();
    zk_free(p);
    zk_free(small);
    end_phase();
    return after - before;
}

static size_t hardly_used_phase(void)
{
    return strided_phase(MIB);
}

static void what_is_used_every_time_is_overwritten(void)
{
    make_arena();
    for (unsigned phase = 0; phase < 4; phase++) /* made, and learned */
        used_phase();
    for (unsigned phase = 0; phase < 8; phase++)
        CHECK(used_phase() < few_faults());
}

static void what_is_hardly_used_is_given_back(void)
{
    make_arena();
    used_phase();
    for (unsigned phase = 0; phase < 4; phase++)
        hardly_used_phase();
    for (unsigned phase = 0; phase < 4; phase++)
        CHECK(SANITIZED || (hardly_used_phase() > 0 && resident_bytes() < base + large / 2));
}

/* Every fourth page, always the same: it must not be these that are looked at. */
static void what_is_used_by_strides_is_given_back(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    make_arena();
    used_phase();
    for (unsigned phase = 0; phase < 8; phase++)
        strided_phase(4 * page);
    CHECK(SANITIZED || resident_bytes() < base + large / 2);
}

static void what_is_known_of_a_program_changes(void)
{
    make_arena();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned phase = 0; phase < 40;
             phase++) /* the next try comes late, as many have failed */
            hardly_used_phase();
        CHECK(SANITIZED || resident_bytes() < base + large / 2);
        for (unsigned phase = 0; phase < 4; phase++)
            used_phase();
        CHECK(SANITIZED || used_phase() < few_faults());
    }
}

enum { several = 16 };

static void allocate_all(char **blocks, size_t size)
{
    for (unsigned i = 0; i < several; i++) {
        blocks[i] = zk_calloc(1, size);
        CHECK(blocks[i] != NULL && zk_owns(blocks[i]));
        CHECK(blocks[i][0] == 0 && blocks[i][size - 1] == 0);
    }
}

static void free_all(char **blocks)
{
    for (unsigned i = 0; i < several; i++)
        zk_free(blocks[i]);
}

/* Several blocks of size bytes, which share pieces if they are small. Used, or touched at the start. */
static void phase_of(size_t size, bool used)
{
    char *blocks[several];

    begin_phase();
    allocate_all(blocks, size);
    for (unsigned i = 0; i < several; i++)
        memset(blocks[i], 0xab, used ? size : 1);
    free_all(blocks);
    end_phase();
}

/* From the size on that has a chunk to itself. */
static void smaller_ones_are_given_back_as_well(void)
{
    make_arena();
    for (size_t size = MIB; size < large; size *= 4) {
        size_t other = resident_bytes();

        phase_of(size, true);
        CHECK(SANITIZED || resident_bytes() > other + several * size / 2);
        for (unsigned phase = 0; phase < 12; phase++)
            phase_of(size, false);
        CHECK(SANITIZED || resident_bytes() < other + several * size / 2);
    }
}

/* Blocks of 2 MiB that are used beside a larger one that hardly is. Returns the page faults that it took. */
static size_t mixed_phase(void)
{
    size_t before = page_faults();
    const size_t size = 2 * MIB;
    char *blocks[several];
    char *hardly;

    begin_phase();
    allocate_all(blocks, size);
    hardly = zeroed_block();
    for (unsigned i = 0; i < several; i++)
        memset(blocks[i], 0xab, size);
    hardly[0] = 1;
    zk_free(hardly);
    free_all(blocks);
    end_phase();
    return page_faults() - before;
}

static void used_and_hardly_used_ones_lie_side_by_side(void)
{
    const size_t phases = 64;
    size_t for_all = page_faults_of(several * 2 * MIB);
    size_t faults = 0;

    if (page_faults_of((size_t)sysconf(_SC_PAGESIZE)) > 1)
        skip_because("to look at a page takes several page faults here");
    make_arena();
    used_phase(); /* all of the memory */
    for (size_t phase = 0; phase < phases; phase++)
        faults += mixed_phase();
    /* Now and then all is given back, until it is seen that it is used. */
    CHECK(SANITIZED || faults < phases * for_all / 8);
    CHECK(SANITIZED || resident_bytes() < base + large);
}

/* The place of the last try is never zeroed again: a block lives there from now on. */
static void a_try_that_does_not_come_back_is_given_up(void)
{
    void *keeps;

    make_arena();
    used_phase();
    for (unsigned phase = 0; phase < 2; phase++)
        hardly_used_phase();
    begin_phase();
    keeps = arena_block(large / 2);
    end_phase();
    for (unsigned phase = 0; phase < 40; phase++)
        used_phase();
    CHECK(SANITIZED || used_phase() < few_faults());
    zk_free(keeps);
}

static const struct CMUnitTest tests[] = {
    FRESH(what_is_used_every_time_is_overwritten, .env = {ALL_SIZES}),
    FRESH(what_is_hardly_used_is_given_back, .env = {ALL_SIZES}),
    FRESH(what_is_used_by_strides_is_given_back, .env = {ALL_SIZES}),
    FRESH(what_is_known_of_a_program_changes, .env = {ALL_SIZES}),
    FRESH(smaller_ones_are_given_back_as_well, .env = {ALL_SIZES}),
    FRESH(used_and_hardly_used_ones_lie_side_by_side, .env = {ALL_SIZES}),
    FRESH(a_try_that_does_not_come_back_is_given_up, .env = {ALL_SIZES}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
