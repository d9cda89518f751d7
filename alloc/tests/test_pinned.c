/*
 * test_pinned.c - pinned recycling: no byte of a live block is ever handed out, whatever phases and
 * threads do, and what is dead is used again.
 */
#include "fresh.h"

#include <sched.h>
#include <stdatomic.h>

#define PINNED "ZK_ALLOC_RECYCLE=pinned"
#define POISON "ZK_ALLOC_POISON_RESET=1"

struct block {
    char *p;
    size_t bytes; /* all of its usable bytes hold the pattern of seed */
    unsigned seed;
};

static bool recycled_reads_zero(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    return config.poison_reset;
}

static struct block filled(char *p, size_t size, unsigned seed)
{
    struct block block = {.p = p, .bytes = zk_usable_size(p), .seed = seed};

    CHECK(p != NULL && block.bytes >= size);
    fill(p, block.bytes, seed);
    return block;
}

static struct block new_block(size_t size)
{
    return filled(arena_block(size), size, (unsigned)size);
}

static void is_intact(const struct block *block)
{
    CHECK(zk_usable_size(block->p) >= block->bytes);
    CHECK(is_filled(block->p, block->bytes, block->seed));
}

static void free_intact(struct block *block)
{
    is_intact(block);
    zk_free(block->p);
    *block = (struct block){0};
}

/* ---- A model ----------------------------------------------------------------------------------
 */

static struct block random_block(uint64_t *random, bool malloc_is_zero)
{
    size_t size = 1 + random_size(random) / 16;
    size_t align = (size_t)1 << random_below(random, 14);
    unsigned seed = (unsigned)next_random(random);
    char *p;

    switch (random_below(random, 4)) {
    case 0:
        p = zk_calloc(1, size);
        CHECK(p != NULL && is_all(p, size, 0));
        break;
    case 1:
        p = zk_aligned_alloc(align, size);
        CHECK(p != NULL && is_aligned(p, align));
        break;
    default:
        p = zk_malloc(size);
        CHECK(p != NULL && is_aligned(p, 16));
        CHECK(!malloc_is_zero || !zk_owns(p) || is_all(p, size, 0));
        break;
    }
    return filled(p, size, seed);
}

static struct block resized(struct block block, uint64_t *random)
{
    size_t size = 1 + random_size(random) / 16;
    size_t kept = size < block.bytes ? size : block.bytes;
    char *p = random_below(random, 2) == 0 ? zk_realloc(block.p, size)
                                           : zk_realloc_sized(block.p, block.bytes, 64, size);

    CHECK(p != NULL && is_filled(p, kept, block.seed));
    return filled(p, size, block.seed + 1);
}

/* Blocks live for any time, some for many phases. */
static void live_blocks_keep_every_byte(void)
{
    enum { SLOTS = 200, PHASES = 40, STEPS = 300 };
    static struct block blocks[SLOTS];
    uint64_t random = 21;

    for (unsigned phase = 0; phase < PHASES; phase++) {
        bool malloc_is_zero;

        begin_phase();
        malloc_is_zero = recycled_reads_zero();
        for (unsigned step = 0; step < STEPS; step++) {
            struct block *block = &blocks[random_below(&random, SLOTS)];

            if (step == 2 * STEPS / 3)
                end_phase();
            if (block->p == NULL) {
                *block = random_block(&random, malloc_is_zero);
                continue;
            }
            is_intact(block);
            if (random_below(&random, 3) == 0)
                *block = resized(*block, &random);
            else
                free_intact(block);
        }
        for (unsigned i = 0; i < SLOTS; i++)
            if (blocks[i].p != NULL)
                is_intact(&blocks[i]);
    }
    CHECK(stats_now().arena_count > PHASES && stats_now().walks > PHASES / 2);
    for (unsigned i = 0; i < SLOTS; i++)
        if (blocks[i].p != NULL)
            free_intact(&blocks[i]);
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

/* ---- What is dead is used again -----------------------------------------------------------------
 */

static void a_slab_in_which_nothing_lives_rewinds(void)
{
    char *start = NULL;

    for (unsigned phase = 0; phase < 100; phase++) {
        struct block blocks[20];

        begin_phase();
        for (unsigned i = 0; i < 20; i++)
            blocks[i] = new_block(1000 * i + phase);
        if (start == NULL)
            start = slab_start_of(blocks[0].p);
        CHECK(blocks[0].p == start);
        for (unsigned i = 0; i < 20; i++) {
            if (i == 10)
                end_phase();
            free_intact(&blocks[i]);
        }
    }
    CHECK(stats_now().rewinds == 100 && stats_now().walks == 0);
    CHECK(stats_now().pinned_chunks == 0 && stats_now().pinned_bytes == 0);
}

enum { SMALL = 5000 };

/* Fills the slab of the calling thread; the blocks go to blocks, which has room. */
static size_t fill_slab(struct block *blocks)
{
    size_t count = 0;
    char *p;

    for (; zk_owns(p = zk_malloc(SMALL)); count++)
        blocks[count] = filled(p, SMALL, (unsigned)count);
    zk_free(p);
    return count;
}

static void one_live_block_keeps_one_chunk(void)
{
    static struct block blocks[(16 << 20) / SMALL];
    struct block kept;
    size_t all;
    size_t count;

    begin_phase();
    all = fill_slab(blocks);
    for (size_t i = 0; i < all; i++)
        if (i != all / 2)
            free_intact(&blocks[i]);
    kept = blocks[all / 2];
    end_phase();

    for (unsigned phase = 0; phase < 5; phase++) {
        begin_phase();
        count = fill_slab(blocks);
        CHECK(stats_now().pinned_chunks == 1 && stats_now().retained_count == 1);
        CHECK(count < all && count + stats_now().pinned_bytes / SMALL + 4 >= all);
        is_intact(&kept);
        for (size_t i = 0; i < count; i++) {
            CHECK(blocks[i].p + blocks[i].bytes <= kept.p || kept.p + kept.bytes <= blocks[i].p);
            free_intact(&blocks[i]);
        }
        end_phase();
    }

    free_intact(&kept);
    begin_phase();
    CHECK(fill_slab(blocks) == all);
    CHECK(stats_now().pinned_chunks == 0);
}

/* Each block lives for three phases: what they keep does not grow. */
static void rolling_lives_keep_no_more_than_they_are(void)
{
    struct block blocks[3] = {{0}};

    for (unsigned phase = 0; phase < 1000; phase++) {
        begin_phase();
        for (unsigned i = 0; i < 20; i++)
            zk_free(arena_block(SMALL));
        if (blocks[phase % 3].p != NULL)
            free_intact(&blocks[phase % 3]);
        blocks[phase % 3] = new_block(100 + phase);
        for (unsigned i = 0; i < 3; i++)
            if (blocks[i].p != NULL)
                is_intact(&blocks[i]);
        end_phase();
    }
    CHECK(stats_now().overflow_count == 0);
}

/* It spans chunks; what lies before it in its first chunk, and behind it, may be used. */
static void a_block_of_many_chunks_is_kept_whole(void)
{
    struct block large;
    static struct block blocks[(16 << 20) / SMALL];

    begin_phase();
    zk_free(arena_block(30000));
    large = new_block(3 * MIB + 12345);
    zk_free(arena_block(30000));
    end_phase();
    for (unsigned phase = 0; phase < 3; phase++) {
        size_t count;

        begin_phase();
        count = fill_slab(blocks);
        CHECK(count > (8 * MIB) / SMALL);
        is_intact(&large);
        for (size_t i = 0; i < count; i++)
            free_intact(&blocks[i]);
        end_phase();
    }
    free_intact(&large);
}

static void poison_reset_spares_what_lives(void)
{
    struct block kept;
    char *p;

    begin_phase();
    memset(arena_block(10000), 0xab, 10000);
    kept = new_block(10000);
    p = arena_block(2 * MIB);
    memset(p, 0xab, 2 * MIB);
    zk_free(p);
    end_phase();
    begin_phase();
    p = arena_block(2 * MIB);
    CHECK(is_all(p, 2 * MIB, 0));
    is_intact(&kept);
}

/* ---- Programs that rely on the reset
 * -------------------------------------------------------------
 */

static void leave_blocks_in_40_phases(int (*end)(void))
{
    for (unsigned phase = 0; phase < 40; phase++) {
        begin_phase();
        memset(arena_block(MIB), 1, MIB);
        CHECK(end() == 0);
    }
}

static void growth_phase_after_phase_is_told_once(void)
{
    leave_blocks_in_40_phases(zk_end_phase);
    CHECK(stats_now().pinned_bytes > 16 * MIB);
}

static void discarded_phases_keep_nothing(void)
{
    char *p;

    leave_blocks_in_40_phases(zk_discard_phase);
    begin_phase();
    p = arena_block(16);
    CHECK(p == slab_start_of(p));
    CHECK(stats_now().pinned_bytes == 0 && stats_now().pinned_chunks == 0);
}

static void a_discard_leaves_other_phases_alone(void)
{
    struct block early;
    struct block late;
    char *lost;

    begin_phase();
    early = new_block(SMALL);
    end_phase();
    begin_phase();
    lost = arena_block(2 * MIB);
    CHECK(zk_discard_phase() == 0);
    begin_phase();
    late = new_block(2 * MIB);
    CHECK(late.p == lost);
    end_phase();
    begin_phase();
    memset(arena_block(MIB), 0xab, MIB);
    is_intact(&early);
    is_intact(&late);
}

static void *discard_is_eperm(void *arg)
{
    errno = 0;
    CHECK(zk_discard_phase() == -1 && errno == EPERM);
    return arg;
}

static _Atomic unsigned hook_runs;

static void count_hook(void *arg)
{
    (void)arg;
    hook_runs++;
}

static void discard_ends_the_phase_as_an_end_does(void)
{
    CHECK(zk_on_phase_end(count_hook, NULL) == 0);
    errno = 0;
    CHECK(zk_discard_phase() == -1 && errno == EINVAL);
    begin_phase();
    arena_block(SMALL);
    run_thread(discard_is_eperm, NULL);
    CHECK(hook_runs == 0);
    CHECK(zk_discard_phase() == 0);
    CHECK(hook_runs == 1);
    system_block(SMALL);
}

static void a_nested_discard_discards_nothing(void)
{
    struct block outer;
    struct block inner;

    begin_phase();
    outer = new_block(SMALL);
    begin_phase();
    inner = new_block(SMALL);
    CHECK(zk_discard_phase() == 0);
    end_phase();
    begin_phase();
    memset(arena_block(MIB), 0xab, MIB);
    is_intact(&outer);
    is_intact(&inner);
}

/* ---- Threads ----------------------------------------------------------------------------------
 */

enum { TEAM = 4 };

/* Blocks that belong to nobody for the moment. Whoever takes one owns it. */
static _Atomic(struct block *) market[64];

enum { TRADES = 5000, TRADES_IN_ROUND = 250 };

struct trader {
    uint64_t random;
    pthread_barrier_t *round; /* at the start and at the end of each round; or ... */
    bool begins;              /* ... begins and ends phases as it likes */
};

static struct block *exchange(uint64_t *random, struct block *block)
{
    return atomic_exchange(&market[random_below(random, 64)], block);
}

static void *trade(void *arg)
{
    struct trader *self = arg;

    for (unsigned step = 0; step < TRADES; step++) {
        struct block *block = exchange(&self->random, NULL);

        if (self->round != NULL && step % TRADES_IN_ROUND == 0)
            pthread_barrier_wait(self->round);
        if (self->begins && step % 50 == 0)
            begin_phase(); /* nesting=recycle, owner=any */
        if (self->begins && step % 50 == 40)
            zk_end_phase(); /* if no other thread was first */
        if (block == NULL) {
            block = malloc(sizeof *block);
            CHECK(block != NULL);
            *block = random_block(&self->random, false);
        } else if (random_below(&self->random, 2) == 0) {
            is_intact(block);
            *block = resized(*block, &self->random);
        } else {
            free_intact(block);
            *block = random_block(&self->random, false);
        }
        block = exchange(&self->random, block);
        if (block != NULL) {
            free_intact(block);
            free(block);
        }
        if (self->round != NULL && step % TRADES_IN_ROUND == TRADES_IN_ROUND - 1)
            pthread_barrier_wait(self->round);
    }
    return NULL;
}

static void close_market(void)
{
    for (unsigned i = 0; i < 64; i++) {
        if (market[i] == NULL)
            continue;
        free_intact(market[i]);
        free(market[i]);
    }
    begin_phase();
    CHECK(stats_now().retained_count == 0);
    CHECK(stats_now().walks > 0);
    end_phase();
}

static void blocks_change_hands_over_phases(void)
{
    struct trader traders[TEAM];
    pthread_t threads[TEAM];
    pthread_barrier_t round;

    CHECK(pthread_barrier_init(&round, NULL, TEAM + 1) == 0);
    for (unsigned i = 0; i < TEAM; i++) {
        traders[i] = (struct trader){.random = i + 1, .round = &round};
        threads[i] = start_thread(trade, &traders[i]);
    }
    for (unsigned i = 0; i < TRADES / TRADES_IN_ROUND; i++) {
        begin_phase();
        pthread_barrier_wait(&round);
        for (unsigned phase = 0; phase < 20; phase++) { /* while they trade */
            end_phase();
            begin_phase();
            sched_yield();
        }
        pthread_barrier_wait(&round);
        end_phase();
    }
    for (unsigned i = 0; i < TEAM; i++)
        join_thread(threads[i]);
    close_market();
}

static void all_threads_begin_and_end_as_they_like(void)
{
    struct trader traders[TEAM];
    pthread_t threads[TEAM];

    for (unsigned i = 0; i < TEAM; i++) {
        traders[i] = (struct trader){.random = i + 1, .begins = true};
        threads[i] = start_thread(trade, &traders[i]);
    }
    for (unsigned i = 0; i < TEAM; i++)
        join_thread(threads[i]);
    close_market();
}

static void *leave_a_block(void *arg)
{
    *(struct block *)arg = new_block(700);
    return NULL;
}

/* Its heirs bump around it. */
static void the_blocks_of_dead_threads_live_on(void)
{
    enum { LIVES = 200 };
    static struct block blocks[LIVES];

    for (unsigned i = 0; i < LIVES; i++) {
        begin_phase();
        run_thread(leave_a_block, &blocks[i]);
        zk_free(arena_block(100000));
        end_phase();
        if (i % 3 == 0)
            free_intact(&blocks[i / 2]);
        for (unsigned j = 0; j <= i; j++)
            if (blocks[j].p != NULL)
                is_intact(&blocks[j]);
    }
}

static void child_goes_on(void *arg)
{
    struct block *blocks = arg;

    for (unsigned phase = 0; phase < 5; phase++) {
        zk_end_phase();
        begin_phase();
        memset(arena_block(MIB), 0xab, MIB);
        for (unsigned i = phase; i < 10; i++)
            is_intact(&blocks[i]);
        free_intact(&blocks[phase]);
    }
}

static void both_sides_of_a_fork_keep_what_lives(void)
{
    struct block blocks[10];

    for (unsigned i = 0; i < 10; i++) {
        begin_phase();
        blocks[i] = new_block(SMALL + i);
        end_phase();
    }
    begin_phase();
    CHECK(status_of_fork(child_goes_on, blocks) == 0);
    end_phase();
    begin_phase();
    memset(arena_block(MIB), 0xab, MIB);
    for (unsigned i = 0; i < 10; i++)
        free_intact(&blocks[i]);
}

#define MODEL(min_bytes, slab, ...)                                                                \
    FRESH_AS("live blocks keep every byte: " min_bytes " " slab " " #__VA_ARGS__,                  \
             live_blocks_keep_every_byte,                                                          \
             .env = {PINNED, slab, "ZK_ALLOC_MIN_BYTES=" min_bytes, __VA_ARGS__})

#define ARENA PINNED, ALL_SIZES, SLAB_16M

static const struct CMUnitTest tests[] = {
    MODEL("0", SLAB_16M, ),
    MODEL("0", SLAB_1M, ),
    MODEL("700", SLAB_16M, ),
    MODEL("700", SLAB_1M, "ZK_ALLOC_REALLOC=migrate"),
    MODEL("0", SLAB_16M, "ZK_ALLOC_COPY=forward"),
    MODEL("0", SLAB_16M, POISON),
    MODEL("0", SLAB_1M, POISON),

    FRESH(a_slab_in_which_nothing_lives_rewinds, .env = {ARENA}),
    FRESH(one_live_block_keeps_one_chunk, .env = {ARENA}),
    FRESH(rolling_lives_keep_no_more_than_they_are, .env = {PINNED, ALL_SIZES, SLAB_1M}),
    FRESH(a_block_of_many_chunks_is_kept_whole, .env = {ARENA}),
    FRESH(poison_reset_spares_what_lives, .env = {ARENA, POISON}),

    FRESH(growth_phase_after_phase_is_told_once, .env = {PINNED, SLAB_64M},
          .says = {"zkalloc: ", "zk_discard_phase"}),
    FRESH(discarded_phases_keep_nothing, .env = {PINNED, ALL_SIZES, SLAB_64M}),
    FRESH(a_discard_leaves_other_phases_alone, .env = {ARENA}),
    FRESH(discard_ends_the_phase_as_an_end_does, .env = {ARENA}),
    FRESH(a_nested_discard_discards_nothing, .env = {ARENA, "ZK_ALLOC_NESTING=count"}),

    FRESH(blocks_change_hands_over_phases, .env = {ARENA}),
    FRESH_AS("blocks change hands over phases, in small slabs", blocks_change_hands_over_phases,
             .env = {PINNED, ALL_SIZES, SLAB_1M}),
    FRESH(all_threads_begin_and_end_as_they_like,
          .env = {ARENA, "ZK_ALLOC_NESTING=recycle", "ZK_ALLOC_OWNER=any"}),
    FRESH(the_blocks_of_dead_threads_live_on, .env = {PINNED, ALL_SIZES, SLAB_64M}),
    FRESH(both_sides_of_a_fork_keep_what_lives, .env = {ARENA}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
