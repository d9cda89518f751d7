/*
 * test_realloc_large.c - large blocks that grow: pages of the old place are given back as they are copied, and every byte
 * is carried over.
 */
#include "pinned_phases.h"

#include <errno.h>
#include <sys/mman.h>

static void *grown(void *p, size_t from, size_t to, unsigned seed)
{
    char *q = zk_realloc(p, to);

    CHECK(q != NULL && is_filled(q, from < to ? from : to, seed));
    return q;
}

/* Two vectors that grow by turns, so that neither can grow in place: were the old pages kept, they would stay in memory
 * beside the new ones. */
static void what_grows_takes_the_memory_of_one(void)
{
    enum { vectors = 2, step = 4 * MIB, most = 100 * MIB };
    char *vector[vectors];
    size_t before;
    size_t peak = 0;

    if (SANITIZED)
        skip_because("the sanitizer's own memory");
    begin_phase();
    before = resident_bytes();
    for (unsigned i = 0; i < vectors; i++)
        fill(vector[i] = arena_block(step), step, i);
    for (size_t bytes = step; bytes < most; bytes += step)
        for (unsigned i = 0; i < vectors; i++) {
            vector[i] = grown(vector[i], bytes, bytes + step, i);
            fill(vector[i], bytes + step, i);
            if (resident_bytes() > peak)
                peak = resident_bytes();
        }
    CHECK(peak - before < vectors * (size_t)most * 3 / 2);
    end_phase();
}

/* From blocks that start anywhere, among others that stay as they are, to sizes around those where the way of moving
 * changes; and back. */
static void every_byte_is_carried_over(void)
{
    static const size_t sizes[] = {MIB - 100,      MIB,           MIB + 17,
                                   3 * MIB + 4097, 31 * MIB,      32 * MIB + 100,
                                   33 * MIB + 1,   40 * MIB + 64, 70 * MIB};
    uint64_t random = fresh_number;

    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        for (unsigned i = 0; i + 1 < sizeof sizes / sizeof *sizes; i++) {
            char *before = arena_block(1 + random_below(&random, 5000));
            char *p = arena_block(sizes[i]);
            char *after = arena_block(5000);

            fill(p, sizes[i], i);
            fill(after, 5000, i + 1);
            p = grown(p, sizes[i], sizes[i + 1], i);
            CHECK(is_filled(after, 5000, i + 1));
            fill(p, sizes[i + 1], i + 2);
            p = grown(p, sizes[i + 1], sizes[i] / 3, i + 2);
            zk_free(p);
            zk_free(before);
            zk_free(after);
        }
        end_phase();
    }
}

/* A block that is aligned to less than it is to be now does not start in its page as it did. */
static void a_block_that_moves_is_aligned_as_asked_for(void)
{
    begin_phase();
    for (size_t align = 16; align <= 4096; align *= 2)
        for (unsigned i = 0; i < 5; i++) {
            char *p;

            arena_block(16);
            p = arena_block(900000); /* too small to have its chunk to itself: it starts anywhere */
            fill(p, 900000, i);
            p = zk_realloc_sized(p, 900000, align, 2 * MIB);
            CHECK(p != NULL && (uintptr_t)p % align == 0 && is_filled(p, 900000, i));
            zk_free(p);
        }
    end_phase();
}

/* The block that has moved leaves memory that is served again, zeroed if that is wanted. */
static void the_place_it_leaves_is_good_for_others(void)
{
    begin_phase();
    for (unsigned i = 0; i < 20; i++) {
        char *p = arena_block(40 * MIB);
        char *between = arena_block(100);
        char *zeroed;

        fill(p, 40 * MIB, i);
        p = grown(p, 40 * MIB, 60 * MIB, i);
        zeroed = zk_calloc(1, 40 * MIB);
        CHECK(zeroed != NULL && is_all(zeroed, 40 * MIB, 0));
        memset(zeroed, 0xff, 40 * MIB);
        CHECK(is_filled(p, 40 * MIB, i));
        zk_free(p);
        zk_free(zeroed);
        zk_free(between);
    }
    end_phase();
}

static void *grow_it(void *arg)
{
    char **p = arg;

    *p = grown(*p, 50 * MIB, 90 * MIB, 3);
    return NULL;
}

static void a_block_of_another_threads_slab_moves_as_well(void)
{
    char *p;

    begin_phase();
    fill(p = arena_block(50 * MIB), 50 * MIB, 3);
    run_thread(grow_it, &p);
    CHECK(is_filled(p, 50 * MIB, 3));
    zk_free(p);
    end_phase();
}

static void locked_memory_stays_locked(void)
{
    char *p;
    char *inside;

    if (SANITIZED)
        skip_because("a sanitizer does not lock memory");
    begin_phase();
    arena_block(100);
    if (mlockall(MCL_FUTURE | MCL_CURRENT) != 0)
        skip_because("memory cannot be locked here");
    fill(p = arena_block(40 * MIB), 40 * MIB, 4);
    arena_block(100);
    inside = p + 4 * MIB - (uintptr_t)p % MIB;
    p = grown(p, 40 * MIB, 60 * MIB, 4);
    CHECK(madvise(inside, MIB, MADV_DONTNEED) == -1 &&
          errno == EINVAL); /* as for any locked memory */
    zk_free(p);
    end_phase();
}

/* A misuse: no pages are taken from what lives there now. */
static void a_block_that_was_freed_gives_nothing_back(void)
{
    char *stale;
    char *p;

    begin_phase();
    p = arena_block(3 * MIB);
    stale = arena_block(40 * MIB);
    zk_free(p);
    zk_free(stale);
    end_and_begin();
    p = arena_block(60 * MIB);
    fill(p, 60 * MIB, 5);
    CHECK(stale > p && stale < p + 60 * MIB);
    zk_realloc(stale, 80 * MIB);
    CHECK(is_filled(p, 60 * MIB, 5));
    end_phase();
}

#define LARGE .env = {ALL_SIZES, SLAB_1G}

static const struct CMUnitTest tests[] = {
    FRESH(what_grows_takes_the_memory_of_one, LARGE),
    FRESH_AS("every byte is carried over", every_byte_is_carried_over, LARGE, .number = 1),
    FRESH_AS("every byte is carried over, of other places", every_byte_is_carried_over, LARGE,
             .number = 2),
    FRESH(a_block_that_moves_is_aligned_as_asked_for, .env = {ALL_SIZES, SLAB_1G, UNTENURED}),
    FRESH(the_place_it_leaves_is_good_for_others, LARGE),
    FRESH(a_block_of_another_threads_slab_moves_as_well, LARGE),
    FRESH(locked_memory_stays_locked, LARGE),
    FRESH(a_block_that_was_freed_gives_nothing_back,
          .env = {ALL_SIZES, SLAB_1G, "ZK_ALLOC_MISUSE=ignore"}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
