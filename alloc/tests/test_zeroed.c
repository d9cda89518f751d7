/*
 * test_zeroed.c - large zeroed blocks in memory that was used before: those of a program that uses them are overwritten,
 * those of one that does not are the kernel's zero pages.
 */
#include "fresh.h"

#include <sys/resource.h>

static const size_t large = (size_t)64 * MIB;

static size_t page_faults(void)
{
    struct rusage usage;

    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return (size_t)usage.ru_minflt;
}

static char *zeroed_block(void)
{
    char *p = zk_calloc(1, large);

    CHECK(p != NULL && zk_owns(p));
    return p;
}

/* A try or two, of a piece of 4 MiB each: a fault to read a page of it, and one to write it. */
static size_t few_faults(void)
{
    return (size_t)2 * 2 * 4 * MIB / (size_t)sysconf(_SC_PAGESIZE);
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

/* A byte in each MiB. Returns how much memory it took. */
static size_t hardly_used_phase(void)
{
    size_t before;
    size_t after;
    void *small;
    char *p;

    begin_phase();
    small = arena_block(100);
    p = zeroed_block();
    before = resident_bytes();
    for (size_t at = 0; at < large; at += MIB) {
        CHECK(p[at] == 0);
        p[at] = 1;
    }
    after = resident_bytes();
    zk_free(p);
    zk_free(small);
    end_phase();
    return after - before;
}

static void what_is_used_every_time_is_overwritten(void)
{
    for (unsigned phase = 0; phase < 4; phase++) /* made, and learned */
        used_phase();
    for (unsigned phase = 0; phase < 8; phase++)
        CHECK(used_phase() < few_faults());
}

static void what_is_hardly_used_is_given_back(void)
{
    used_phase();
    for (unsigned phase = 0; phase < 4; phase++)
        hardly_used_phase();
    for (unsigned phase = 0; phase < 4; phase++)
        CHECK(hardly_used_phase() > 0 && resident_bytes() < large / 2);
}

static void what_is_known_of_a_program_changes(void)
{
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned phase = 0; phase < 40;
             phase++) /* the next try comes late, as many have failed */
            hardly_used_phase();
        CHECK(SANITIZED || resident_bytes() < large / 2);
        for (unsigned phase = 0; phase < 4; phase++)
            used_phase();
        CHECK(SANITIZED || used_phase() < few_faults());
    }
}

static const struct CMUnitTest tests[] = {
    FRESH(what_is_used_every_time_is_overwritten, .env = {ALL_SIZES}),
    FRESH(what_is_hardly_used_is_given_back, .env = {ALL_SIZES}),
    FRESH(what_is_known_of_a_program_changes, .env = {ALL_SIZES}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
