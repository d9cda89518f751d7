/*
 * test_realloc.c - blocks that change their size: where they go, what is copied, and what happens
 * to a block that has been recycled meanwhile.
 */
#include "fresh.h"

#include <malloc.h>

static void *carried(void *p, size_t bytes, unsigned seed)
{
    CHECK(p != NULL && zk_usable_size(p) >= bytes);
    CHECK(is_filled(p, bytes, seed));
    return p;
}

static void *filled_arena_block(size_t bytes, unsigned seed)
{
    void *p = arena_block(bytes);

    fill(p, bytes, seed);
    return p;
}

static void *filled_system_block(size_t bytes, unsigned seed)
{
    void *p = system_block(bytes);

    fill(p, bytes, seed);
    return p;
}

static uint64_t retained_at_a_begin(void)
{
    begin_phase();
    end_phase();
    return stats_now().retained_count;
}

/* ---- As in <stdlib.h> ---- */

static void null_allocates(void)
{
    CHECK(!zk_owns(zk_realloc(NULL, 5000)));
    CHECK(!zk_owns(zk_realloc_sized(NULL, 0, 16, 5000)));
    begin_phase();
    CHECK(zk_owns(zk_realloc(NULL, 5000)));
    CHECK(zk_owns(zk_realloc_sized(NULL, 0, 16, 5000)));
    CHECK(is_aligned(zk_realloc_sized(NULL, 0, 8192, 5000), 8192));
    CHECK(stats_now().arena_count == 3 && stats_now().system_count == 2);
}

static void size_0_frees_and_returns_null(void)
{
    void *p;
    void *q;

    begin_phase();
    p = arena_block(5000);
    q = arena_block(5000);
    arena_block(5000);
    CHECK(zk_realloc(p, 0) == NULL);
    CHECK(zk_realloc_sized(q, 5000, 16, 0) == NULL);
    CHECK(zk_realloc(system_block(10), 0) == NULL);
    CHECK(zk_realloc_sized(system_block(10), 10, 16, 0) == NULL);
    CHECK(stats_now().arena_count == 3 && stats_now().system_count == 2);
    end_phase();
    CHECK(retained_at_a_begin() == 1);
}

/* Bytes that the C library's malloc has in use. */
static size_t system_bytes_in_use(void)
{
    if (SANITIZED)
        skip_because("a sanitizer's malloc does not count for mallinfo2");
    return mallinfo2().uordblks;
}

static void what_leaves_system_is_given_back_to_it(void)
{
    enum { ROUNDS = 1000, BYTES = 5000 };
    size_t before = system_bytes_in_use();
    char *held;

    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK(zk_realloc(system_block(BYTES), 0) == NULL);
        CHECK(zk_realloc_sized(system_block(BYTES), BYTES, 16, 0) == NULL);
        zk_free(zk_realloc_sized(system_block(BYTES), BYTES, 4096, 2 * BYTES));
        zk_free_sized(system_block(BYTES), BYTES);
        held = system_block(BYTES);
        begin_phase();
        CHECK(zk_owns(zk_realloc(held, 2 * BYTES))); /* realloc=migrate */
        end_phase();
    }
    CHECK(system_bytes_in_use() < before + (size_t)ROUNDS / 2 * BYTES);
}

static void an_arena_block_shrinks_in_place(void)
{
    char *p;

    begin_phase();
    p = filled_arena_block(50000, 1);
    arena_block(5000);
    CHECK(zk_realloc(p, 50000) == p);
    CHECK(zk_realloc(p, 20000) == p);
    CHECK(zk_realloc_sized(p, 20000, 16, 9) == p); /* also below min_bytes */
    CHECK(zk_realloc(p, 1) == p);
    CHECK(is_filled(p, 50000, 1));
    CHECK(stats_now().arena_count == 2 && stats_now().system_count == 0);
}

static void an_arena_block_grows_and_is_freed_where_it_was(void)
{
    char *p;
    char *grown;

    begin_phase();
    p = filled_arena_block(5000, 2);
    grown = carried(zk_realloc(p, 50000), 5000, 2);
    CHECK(zk_owns(grown) && grown != p);
    CHECK(is_filled(p, 5000, 2));
    grown = carried(zk_realloc_sized(grown, 5000, 16, 2 * MIB), 5000, 2);
    CHECK(zk_owns(grown));
    end_phase();
    CHECK(retained_at_a_begin() == 1);
}

static void growth_inside_the_granule_stays_in_place(void)
{
    char *p;

    begin_phase();
    p = arena_block(5001); /* takes up 5008 */
    arena_block(5000);
    CHECK(zk_realloc(p, 5008) == p);
    CHECK(zk_realloc(p, 5009) != p);
}

static void an_arena_block_that_grows_after_the_end_moves_to_system(void)
{
    char *p;
    char *q;

    begin_phase();
    p = filled_arena_block(5000, 3);
    q = filled_arena_block(5000, 4);
    end_phase();
    CHECK(zk_realloc(p, 100) == p);
    p = carried(zk_realloc(p, 9000), 100, 3);
    q = carried(zk_realloc_sized(q, 5000, 64, 9000), 5000, 4);
    CHECK(!zk_owns(p) && !zk_owns(q) && is_aligned(q, 64));
    begin_phase();
    fill(arena_block(20000), 20000, 5);
    carried(p, 100, 3);
    carried(q, 5000, 4);
    zk_free(p);
    zk_free(q);
}

static void a_system_block_grows_and_shrinks(void)
{
    char *p = filled_system_block(100, 6);

    p = carried(zk_realloc(p, 100000), 100, 6);
    CHECK(!zk_owns(p));
    fill(p, 100000, 7);
    p = carried(zk_realloc(p, 3 * MIB), 100000, 7);
    p = carried(zk_realloc(p, 50), 50, 7);
    p = carried(zk_realloc_sized(p, 50, 16, 90000), 50, 7);
    CHECK(stats_now().system_count == 5);
    zk_free(p);
}

/* ---- The rule for system blocks ---- */

static void sticky_keeps_system_blocks_in_system(void)
{
    char *p = filled_system_block(5000, 8);
    char *q = filled_system_block(5000, 9);
    char *r = filled_system_block(5000, 10);

    begin_phase();
    arena_block(5000);
    p = carried(zk_realloc(p, 100000), 5000, 8);
    q = carried(zk_realloc_sized(q, 5000, 16, 100000), 5000, 9);
    r = carried(zk_realloc_sized(r, 5000, 4096, 100000), 5000, 10);
    CHECK(!zk_owns(p) && !zk_owns(q) && !zk_owns(r) && is_aligned(r, 4096));
    end_phase();
    begin_phase(); /* so it survives this */
    memset(arena_block(3 * MIB), 0, 3 * MIB);
    carried(p, 5000, 8);
    carried(q, 5000, 9);
    carried(r, 5000, 10);
    zk_free(p);
    zk_free(q);
    zk_free(r);
}

static void migrate_moves_system_blocks_to_the_arena(void)
{
    char *p = filled_system_block(5000, 8);
    char *q = filled_system_block(5000, 9);
    char *r = filled_system_block(5000, 10);

    begin_phase();
    p = carried(zk_realloc(p, 100000), 5000, 8);
    q = carried(zk_realloc_sized(q, 5000, 16, 100000), 5000, 9);
    r = carried(zk_realloc_sized(r, 5000, 4096, 4100), 4100, 10);
    CHECK(zk_owns(p) && zk_owns(q) && zk_owns(r) && is_aligned(r, 4096));
    CHECK(stats_now().arena_count == 3 && stats_now().system_count == 3);
}

static void migrate_leaves_in_system_what_the_arena_does_not_serve(void)
{
    char *p = filled_system_block(100, 11);

    p = carried(zk_realloc(p, 9000), 100, 11); /* no phase */
    CHECK(!zk_owns(p));
    begin_phase();
    p = carried(zk_realloc(p, 4095), 100, 11); /* too small */
    CHECK(!zk_owns(p));
    p = carried(zk_realloc_sized(p, 4095, 64, 4000), 100, 11);
    CHECK(!zk_owns(p) && is_aligned(p, 64));
    end_phase();
    CHECK(stats_now().overflow_count == 0);
    zk_free(p);
}

static void migrate_into_a_full_slab_is_an_overflow(void)
{
    char *p = filled_system_block(100, 12);

    begin_phase();
    arena_block((size_t)stats_now().slab_bytes);
    p = carried(zk_realloc(p, 5000), 100, 12);
    CHECK(!zk_owns(p));
    CHECK(stats_now().overflow_count == 1 && stats_now().overflow_bytes == 5000);
}

/* ---- zk_realloc_sized ---- */

static void realloc_sized_aligns(void)
{
    for (size_t align = 1; align <= MIB; align *= 2) {
        char *p = filled_system_block(300, 13);

        p = carried(zk_realloc_sized(p, 300, align, 700), 300, 13);
        CHECK(is_aligned(p, align));
        p = carried(zk_realloc_sized(p, 700, align, 150), 150, 13);
        CHECK(is_aligned(p, align));
        zk_free(p);
        begin_phase();
        arena_block(16);
        p = filled_arena_block(300, 14);
        p = carried(zk_realloc_sized(p, 300, align, 700), 300, 14);
        CHECK(zk_owns(p) && is_aligned(p, align));
        end_phase();
    }
}

static void realloc_sized_moves_a_block_that_shrinks_but_is_not_aligned(void)
{
    char *p;
    char *q;

    begin_phase();
    arena_block(16);
    p = filled_arena_block(5000, 15);
    CHECK(!is_aligned(p, 4096));
    q = carried(zk_realloc_sized(p, 5000, 4096, 3000), 3000, 15);
    CHECK(q != p && is_aligned(q, 4096));
    CHECK(zk_realloc_sized(q, 3000, 4096, 2000) == q);
}

/* The slab is new, so everything that was not copied is zero. */
static void realloc_sized_carries_exactly_the_old_size_over(void)
{
    char *p;

    begin_phase();
    p = filled_arena_block(5000, 16);
    p = carried(zk_realloc_sized(p, 123, 16, 5000), 123, 16);
    CHECK(is_all(p + 123, 5000 - 123, 0));
}

static void realloc_sized_refuses_a_wrong_alignment(void)
{
    const size_t wrong[] = {0, 3, 48, SIZE_MAX};
    char *p;
    char *q = filled_system_block(5000, 17);

    begin_phase();
    p = filled_arena_block(5000, 18);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        errno = 0;
        CHECK(zk_realloc_sized(p, 5000, wrong[i], 100) == NULL && errno == EINVAL);
        errno = 0;
        CHECK(zk_realloc_sized(q, 5000, wrong[i], 100) == NULL && errno == EINVAL);
        errno = 0;
        CHECK(zk_realloc_sized(NULL, 0, wrong[i], 100) == NULL && errno == EINVAL);
    }
    carried(p, 5000, 18);
    carried(q, 5000, 17);
    zk_free(q);
    end_phase();
    CHECK(retained_at_a_begin() == 1);
}

static void enomem_leaves_the_block_untouched(void)
{
    const size_t huge[] = {PTRDIFF_MAX, SIZE_MAX - 15, SIZE_MAX};
    char *p = filled_system_block(5000, 19);
    char *q;

    begin_phase();
    q = filled_arena_block(5000, 20);
    for (unsigned i = 0; i < sizeof huge / sizeof *huge; i++) {
        errno = 0;
        CHECK(zk_realloc(p, huge[i]) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(zk_realloc(q, huge[i]) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(zk_realloc_sized(p, 5000, 4096, huge[i]) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(zk_realloc_sized(q, 5000, 16, huge[i]) == NULL && errno == ENOMEM);
    }
    CHECK(stats_now().system_count == 1 && stats_now().arena_count == 1);
    carried(p, 5000, 19);
    carried(q, 5000, 20);
    zk_free(p);
    end_phase();
    CHECK(retained_at_a_begin() == 1);
}

/* ---- Against a model ---- */

struct slot {
    char *p;
    size_t bytes; /* filled with the pattern of seed */
    unsigned seed;
};

static void resize(struct slot *slot, size_t bytes, uint64_t *random)
{
    size_t kept = bytes < slot->bytes ? bytes : slot->bytes;
    size_t align = 16;
    char *p;

    /* ThreadSanitizer's malloc_usable_size says 1 for a block of 0 bytes, but then reports copying
     * that byte.
     */
    if (THREAD_SANITIZED && slot->p == NULL && bytes == 0)
        return;
    if (random_below(random, 2) == 0) {
        p = zk_realloc(slot->p, bytes);
    } else {
        align = (size_t)1 << random_below(random, 14);
        p = zk_realloc_sized(slot->p, slot->bytes, align, bytes);
    }
    if (bytes == 0 && slot->p != NULL) {
        CHECK(p == NULL);
    } else {
        CHECK(p != NULL && is_aligned(p, align) && zk_usable_size(p) >= bytes);
        CHECK(is_filled(p, kept, slot->seed));
    }
    slot->p = p;
    slot->bytes = p == NULL ? 0 : bytes;
    slot->seed++;
    fill(slot->p, slot->bytes, slot->seed);
}

/* Blocks live in and out of phases, but none is used across a begin. */
static void random_sequences_carry_every_byte_over(void)
{
    enum { SLOTS = 40, STEPS = 1000 };
    struct slot slots[SLOTS] = {{0}};
    uint64_t random = 7;

    for (unsigned phase = 0; phase < 10; phase++) {
        begin_phase();
        for (unsigned step = 0; step < STEPS; step++) {
            struct slot *slot = &slots[random_below(&random, SLOTS)];

            resize(slot, random_size(&random) / 32, &random);
            if (step == STEPS / 2)
                end_phase();
        }
        for (unsigned i = 0; i < SLOTS; i++) {
            CHECK(is_filled(slots[i].p, slots[i].bytes, slots[i].seed));
            if (slots[i].p != NULL && zk_owns(slots[i].p)) {
                zk_free(slots[i].p);
                slots[i] = (struct slot){.seed = slots[i].seed};
            }
        }
    }
    for (unsigned i = 0; i < SLOTS; i++)
        zk_free(slots[i].p);
    CHECK(retained_at_a_begin() == 0);
}

/* ---- Blocks of an earlier phase ---- */

/* The new block starts below the stale one and covers its lower part. */
static char *stale_realloc_downwards(void)
{
    char *start;
    char *p;

    begin_phase();
    start = arena_block(4096);
    p = filled_arena_block(8192, 21);
    end_phase();
    begin_phase();
    p = zk_realloc_sized(p, 8192, 16, 16384);
    CHECK(p == start);
    return p;
}

/* Downwards, an ascending copy is right too. */
static void a_copy_downwards_onto_itself_keeps_every_byte(void)
{
    char *p = stale_realloc_downwards();

    CHECK(is_filled(p, 8192, 21));
}

/* The new block starts in the middle of the stale one, 4096 bytes above its start. */
static char *stale_realloc_upwards(void)
{
    char *start;
    char *p;

    begin_phase();
    start = filled_arena_block(8192, 22);
    end_phase();
    begin_phase();
    CHECK(arena_block(4096) == start); /* not written to */
    p = zk_realloc_sized(start, 8192, 16, 16384);
    CHECK(p == start + 4096);
    return p;
}

static void memmove_upwards_onto_itself_keeps_every_byte(void)
{
    char *p = stale_realloc_upwards();

    CHECK(is_filled(p, 8192, 22));
}

/* After 4096 bytes it reads what it has written: the first half of the source once more. */
static void forward_upwards_onto_itself_repeats_the_lower_part(void)
{
    char *p = stale_realloc_upwards();

    CHECK(is_filled(p, 4096, 22));
    CHECK(is_filled(p + 4096, 4096, 22));
    CHECK(!is_filled(p, 8192, 22));
}

/* Distances and a length that are not multiples of a word. */
static void forward_repeats_at_every_distance_and_length(void)
{
    enum { BYTES = 1003 };
    char before[BYTES];

    for (size_t distance = 16; distance < 500; distance += 16) {
        char *start;
        char *p;

        begin_phase();
        start = filled_arena_block(BYTES, 23);
        memcpy(before, start, BYTES);
        end_phase();
        begin_phase();
        arena_block(distance);
        p = zk_realloc_sized(start, BYTES, 16, 5000);
        CHECK(p == start + distance);
        for (size_t i = 0; i < BYTES; i++)
            CHECK(p[i] == before[i % distance]);
        end_phase();
    }
}

/* Any address in the slab may be passed: below the bump pointer or above it, in its chunk or
 * another, a block's start or not. The result is a valid block, and no other is harmed. */
static void realloc_of_a_stale_block_is_safe_wherever_it_lies(void)
{
    enum { COUNT = 300 };
    static char *stale[COUNT];
    uint64_t random = 8;
    char *slab;
    size_t slab_bytes;

    begin_phase();
    slab = slab_start_of(arena_block(1));
    slab_bytes = (size_t)stats_now().slab_bytes;
    end_phase();
    for (unsigned phase = 0; phase < 120; phase++) {
        size_t limit = phase % 3 == 0 ? 100 : phase % 3 == 1 ? 4000 : 300000;
        size_t left;

        begin_phase();
        for (unsigned i = 0; i < COUNT; i++) {
            stale[i] = zk_malloc(random_below(&random, limit));
            if (!zk_owns(stale[i])) { /* the slab is full */
                zk_free(stale[i]);
                stale[i] = stale[0];
            }
        }
        end_phase();

        begin_phase();
        for (left = random_below(&random, slab_bytes); left > 0; left /= 2)
            zk_free(zk_malloc(left / 2));
        for (unsigned i = 0; i < 40; i++) {
            size_t size = 1 + random_below(&random, 30000);
            char *live = zk_malloc(size);
            char *p = stale[random_below(&random, COUNT)];
            size_t usable;

            if (i % 2 == 0)
                p = slab + random_below(&random, slab_bytes);
            if (i % 4 == 0)
                p = slab + (size_t)(p - slab) / 16 * 16;
            usable = zk_usable_size(p);
            CHECK(usable <= (size_t)(slab + slab_bytes - p));

            fill(live, size, i);
            p = zk_realloc(p, usable + 1 + random_below(&random, 30000));
            CHECK(p != NULL && zk_usable_size(p) > usable);
            CHECK(p + zk_usable_size(p) <= live || live + size <= p);
            memset(p, 0xab, zk_usable_size(p));
            CHECK(is_filled(live, size, i));
            zk_free(p);
            zk_free(live);
        }
        end_phase();
    }
}

#define EACH_WAY(min_bytes, rule, copy)                                                            \
    FRESH_AS("random sequences carry every byte over: " min_bytes " " rule " " copy,               \
             random_sequences_carry_every_byte_over,                                               \
             .env = {BLIND, "ZK_ALLOC_SLAB_GB=0.5", "ZK_ALLOC_MIN_BYTES=" min_bytes,               \
                     "ZK_ALLOC_REALLOC=" rule, "ZK_ALLOC_COPY=" copy})

static const struct CMUnitTest tests[] = {
    FRESH(null_allocates, .env = {BLIND, SLAB_64M}),
    FRESH(size_0_frees_and_returns_null, .env = {BLIND, SLAB_64M}),
    FRESH(what_leaves_system_is_given_back_to_it,
          .env = {BLIND, SLAB_64M, "ZK_ALLOC_REALLOC=migrate"}),
    FRESH(an_arena_block_shrinks_in_place, .env = {BLIND, SLAB_64M}),
    FRESH(an_arena_block_grows_and_is_freed_where_it_was, .env = {BLIND, SLAB_64M}),
    FRESH(growth_inside_the_granule_stays_in_place, .env = {BLIND, SLAB_64M}),
    FRESH(an_arena_block_that_grows_after_the_end_moves_to_system, .env = {BLIND, SLAB_64M}),
    FRESH(a_system_block_grows_and_shrinks),

    FRESH(sticky_keeps_system_blocks_in_system, .env = {BLIND, SLAB_64M}),
    FRESH(migrate_moves_system_blocks_to_the_arena,
          .env = {BLIND, SLAB_64M, "ZK_ALLOC_REALLOC=migrate"}),
    FRESH(migrate_leaves_in_system_what_the_arena_does_not_serve,
          .env = {BLIND, SLAB_64M, "ZK_ALLOC_REALLOC=migrate"}),
    FRESH(migrate_into_a_full_slab_is_an_overflow,
          .env = {BLIND, SLAB_1M, "ZK_ALLOC_REALLOC=migrate"}),

    FRESH(realloc_sized_aligns, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(realloc_sized_moves_a_block_that_shrinks_but_is_not_aligned,
          .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(realloc_sized_carries_exactly_the_old_size_over, .env = {BLIND, ALL_SIZES, SLAB_64M}),
    FRESH(realloc_sized_refuses_a_wrong_alignment, .env = {BLIND, SLAB_64M}),
    FRESH(enomem_leaves_the_block_untouched, .env = {BLIND, SLAB_64M}),

    EACH_WAY("0", "sticky", "memmove"),
    EACH_WAY("0", "migrate", "forward"),
    EACH_WAY("700", "sticky", "forward"),
    EACH_WAY("700", "migrate", "memmove"),
    EACH_WAY("4096", "migrate", "forward"),

    FRESH(a_copy_downwards_onto_itself_keeps_every_byte, .env = {BLIND, SLAB_64M}),
    FRESH_AS("a forward copy downwards onto itself keeps every byte",
             a_copy_downwards_onto_itself_keeps_every_byte,
             .env = {BLIND, SLAB_64M, "ZK_ALLOC_COPY=forward"}),
    FRESH(memmove_upwards_onto_itself_keeps_every_byte, .env = {BLIND, SLAB_64M}),
    FRESH(forward_upwards_onto_itself_repeats_the_lower_part,
          .env = {BLIND, SLAB_64M, "ZK_ALLOC_COPY=forward"}),
    FRESH(forward_repeats_at_every_distance_and_length,
          .env = {BLIND, ALL_SIZES, SLAB_64M, "ZK_ALLOC_COPY=forward"}),
    FRESH(realloc_of_a_stale_block_is_safe_wherever_it_lies, .env = {BLIND, ALL_SIZES, SLAB_1M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
