/*
 * test_pinned_memory.c - blocks that live and die at random, so that chunks are full of holes: pinned takes little more
 * memory than what lives.
 */
#include "fresh.h"

#include "slab.h"

#include <sys/resource.h>

enum { MOST = 1400, STEP = 512 };

static struct block {
    char *p;
    size_t size;
    unsigned number;
} blocks[MOST];

static uint64_t state = 88172645463325252u;
static size_t live_bytes;
static size_t most_live;
static unsigned made;
static size_t before;
static size_t most_resident;

/* Touches each page, and is quicker than fill. */
static void stamp(const struct block *block)
{
    for (size_t at = 0; at + sizeof block->number <= block->size; at += STEP)
        memcpy(block->p + at, &block->number, sizeof block->number);
}

static bool is_stamped(const struct block *block)
{
    for (size_t at = 0; at + sizeof block->number <= block->size; at += STEP)
        if (memcmp(block->p + at, &block->number, sizeof block->number) != 0)
            return false;
    return true;
}

static void replace(struct block *block, size_t size)
{
    CHECK(block->p == NULL || is_stamped(block));
    zk_free(block->p);
    live_bytes = live_bytes - block->size + size;
    *block = (struct block){zk_malloc(size), size, ++made};
    CHECK(block->p != NULL);
    stamp(block);
    if (live_bytes > most_live)
        most_live = live_bytes;
}

static void note_resident(void)
{
    size_t now = resident_bytes() - before;

    if (now > most_resident)
        most_resident = now;
}

static void all_are_intact(void)
{
    for (size_t i = 0; i < MOST; i++)
        CHECK(blocks[i].p == NULL || is_stamped(&blocks[i]));
}

/* Of pages and more; as likely to be twice as large as not. */
static size_t any_size(void)
{
    size_t size = (size_t)4096 << random_below(&state, 4);

    return size + random_below(&state, size);
}

static void start(void)
{
    begin_phase();
    zk_free(arena_block(100));
    end_phase();
    before = resident_bytes();
}

/* One in ten is replaced in each phase: no chunk dies for a long time, and none is mostly dead when it is made. */
static void of_random_lifetimes_across_phases(void)
{
    start();
    for (unsigned phase = 0; phase < 200; phase++) {
        begin_phase();
        for (size_t i = 0; i < MOST; i++)
            if (phase == 0 || random_below(&state, 10) == 0)
                replace(&blocks[i], any_size());
        end_phase();
        note_resident();
    }
    all_are_intact();
    CHECK(SANITIZED || most_resident < 2 * most_live);
    CHECK(SANITIZED || resident_bytes() - before < most_live / 2 * 3);
}

static void of_random_lifetimes_within_a_phase(void)
{
    start();
    begin_phase();
    for (unsigned i = 0; i < 10 * MOST; i++) {
        replace(&blocks[random_below(&state, MOST)], 4 * any_size());
        if (i % 256 == 0)
            note_resident();
    }
    end_phase();
    all_are_intact();
    CHECK(SANITIZED || most_resident < 2 * most_live);
    CHECK(SANITIZED || resident_bytes() - before < most_live / 2 * 3);
}

/* So that `size` is learned: one of that size survives in each chunk. */
static void learn(size_t size)
{
    for (unsigned i = 0; !stats_now().tenured_classes; i++) {
        CHECK(i < MOST);
        begin_phase();
        replace(&blocks[i], size);
        zk_free(arena_block(zk_chunk_bytes() - 2 * size));
        end_phase();
    }
}

/* Returns the page faults that it took. */
static size_t phase_beside(size_t learned)
{
    enum { large = 256, beside = 16 };
    static char *p[large];
    size_t size = zk_chunk_bytes();
    struct rusage usage;
    long faults;

    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    faults = usage.ru_minflt;
    begin_phase();
    for (size_t i = 0; i < large; i++) {
        p[i] = arena_block(size);
        memset(p[i], 1, size);
    }
    for (size_t i = 0; i < large; i++)
        zk_free(p[i]);
    for (size_t i = 0; i < beside; i++)
        zk_free(system_block(learned));
    end_phase();
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return (size_t)(usage.ru_minflt - faults);
}

/* Sizes are learned, but most of what the program uses is the arena's: that stays mapped. */
static void what_phases_use_stays_mapped(void)
{
    const size_t learned = 100000;

    learn(learned);
    for (unsigned phase = 0; phase < 3; phase++)
        phase_beside(learned);
    for (unsigned phase = 0; phase < 20; phase++) {
        size_t faults = phase_beside(learned);

        CHECK(SANITIZED || faults < 1000);
        CHECK(stats_now().tenured_classes > 0);
    }
    all_are_intact();
}

/* Sizes that are learned go to system, and now and then the slab is drained: then a place is zero that has been used in
 * this very phase. What is used there again must count as used. */
static void what_is_used_again_after_a_drain_is_zeroed(void)
{
    enum { count = 4000, bytes = 5000, large = 2 << 20, detoured = 100000 };
    static char *kept[count];
    const char *zeroed;

    zk_begin_phase();
    for (unsigned i = 0; i < count; i++)
        kept[i] = zk_malloc(bytes);
    for (unsigned i = 0; i < count; i++)
        if (i % 8 != 0)
            zk_free(kept[i]);
    zk_end_phase();
    zk_begin_phase();
    zk_free(zk_malloc(bytes));
    CHECK(stats_now().tenured_classes > 0);
    for (unsigned round = 0; round < 2; round++) {
        char *p = zk_malloc(large);

        CHECK(p != NULL && zk_owns(p));
        memset(p, 0xff, large);
        zk_free(p);
        for (unsigned i = 0; i < detoured; i++)
            zk_free(zk_malloc(bytes));
    }
    zeroed = zk_calloc(1, large);
    CHECK(zeroed != NULL && is_all(zeroed, large, 0));
    zk_end_phase();
}

#define PINNED .env = {ALL_SIZES, SLAB_1G}

static const struct CMUnitTest tests[] = {
    FRESH(of_random_lifetimes_across_phases, PINNED),
    FRESH(of_random_lifetimes_within_a_phase, PINNED),
    FRESH(what_phases_use_stays_mapped, PINNED),
    FRESH(what_is_used_again_after_a_drain_is_zeroed, PINNED),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
