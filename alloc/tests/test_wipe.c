/*
 * test_wipe.c - ZK_ALLOC_WIPE=phase and zk_wipe_phase leave nothing of dead memory, and all of what lives. The slabs
 * are searched for a word that only the secrets contain.
 */
#include "pinned_phases.h"

#include "region.h"
#include "slab_books.h"

#define WIPE "ZK_ALLOC_WIPE=phase"

/* Computed, so that the program contains no copy of the word except those made on purpose. */
static uint64_t secret_word(void)
{
    static volatile uint64_t half = 0x5ec2e75e;

    return half << 32 | (half ^ 0xffffffff);
}

static void fill_secret(void *p, size_t bytes)
{
    uint64_t word = secret_word();

    for (size_t i = 0; i + sizeof word <= bytes; i += sizeof word)
        memcpy((char *)p + i, &word, sizeof word);
}

/* Allocates a block, fills it with the secret, and frees it. */
static void make_and_free_secret(size_t bytes)
{
    void *p = arena_block(bytes);

    fill_secret(p, bytes);
    zk_free(p);
}

/* A block that has grown over chunks that were entered already is live up to its end. */
static void a_block_that_has_grown_is_not_wiped(void)
{
    char *p;

    begin_phase();
    p = arena_block(MIB);
    for (size_t bytes = 4 * MIB; bytes <= 12 * MIB; bytes += 4 * MIB)
        CHECK(zk_realloc(p, bytes) == p);
    fill(p, 12 * MIB, 1);
    CHECK(zk_wipe_phase() == 0);
    CHECK(is_filled(p, 12 * MIB, 1));
    begin_phase();
    zk_free(arena_block(100));
    CHECK(zk_wipe_phase() == 0);
    CHECK(is_filled(p, 12 * MIB, 1));
}

/* Counts the secret words in all readable memory of the slabs. */
static size_t secrets(void)
{
    uint64_t word = secret_word();
    size_t count = 0;

    for (unsigned i = 0; i < zk_region.slabs; i++) {
        const struct slab *slab = zk_region_slab(i);
        const uint64_t *from = (const void *)slab->base;
        size_t words = (size_t)(LOAD(slab->extent) >> 32) * bytes_of_chunk(slab) / sizeof word;

        for (size_t at = 0; at < words; at++)
            count += from[at] == word;
    }
    return count;
}

static const size_t sizes[] = {16, 100, 1000, 5000, 70000, 262144, 300000, MIB, 3 * MIB};

enum { size_count = sizeof sizes / sizeof *sizes };

/* One proof: secrets of all sizes, some alive at once and some one after the other, with blocks between
 * them that stay. */
static void prove(void *kept[size_count])
{
    void *alive[size_count];

    for (size_t i = 0; i < size_count; i++) {
        fill_secret(alive[i] = arena_block(sizes[i]), sizes[i]);
        if (kept != NULL)
            fill(kept[i] = arena_block(40), 40, (unsigned)i);
    }
    for (size_t i = 0; i < size_count; i++)
        zk_free(alive[i]);
    for (unsigned i = 0; i < 50; i++)
        make_and_free_secret(sizes[i % size_count]);
}

static void check_kept(void *kept[size_count])
{
    for (size_t i = 0; i < size_count; i++)
        CHECK(is_filled(kept[i], 40, (unsigned)i));
}

/* ---- The switch ---- */

static void without_it_secrets_stay(void)
{
    begin_phase();
    prove(NULL);
    end_phase();
    next_phase();
    CHECK(secrets() > 3 * MIB / 8);
}

static void nothing_is_left_after_the_next_begin(void)
{
    for (unsigned phase = 0; phase < 5; phase++) {
        begin_phase();
        prove(NULL);
        CHECK(secrets() > 0);
        end_phase();
        next_phase();
        CHECK(secrets() == 0);
        end_phase();
    }
}

static void nothing_dead_is_left_beside_what_lives(void)
{
    void *kept[5][size_count];

    for (unsigned phase = 0; phase < 5; phase++) {
        begin_phase();
        prove(kept[phase]);
        end_phase();
        next_phase();
        CHECK(secrets() == 0);
        for (unsigned earlier = 0; earlier <= phase; earlier++)
            check_kept(kept[earlier]);
        end_phase();
    }
}

/* A block dies in a chunk that is kept for long, and that was wiped before. */
static void what_dies_late_is_wiped(void)
{
    char *late[8];
    void *kept;

    begin_phase();
    for (unsigned i = 0; i < 8; i++)
        fill_secret(late[i] = arena_block(1000), 1000);
    kept = arena_block(100);
    fill(kept, 100, 1);
    end_phase();
    for (unsigned i = 0; i < 8; i++) {
        next_phase();
        CHECK(secrets() == (8 - i) * (size_t)125);
        zk_free(late[i]);
        end_phase();
    }
    next_phase();
    CHECK(secrets() == 0 && is_filled(kept, 100, 1));
}

static void a_block_over_many_chunks_dies_beside_kept_ones(void)
{
    char *large;
    char *behind;

    begin_phase();
    fill_secret(large = arena_block(MIB + 100000), MIB + 100000);
    fill(behind = arena_block(1000), 1000, 2); /* perhaps in the chunk that the large one ends in */
    end_phase();
    next_phase();
    zk_free(large);
    end_phase();
    next_phase();
    CHECK(secrets() == 0 && is_filled(behind, 1000, 2));
}

/* Checks that all usable bytes are zero, then fills them with the secret. */
static void check_zero_and_soil(void *p)
{
    CHECK(is_all(p, zk_usable_size(p), 0));
    fill_secret(p, zk_usable_size(p));
}

static void what_is_used_again_in_the_phase_is_zero(void)
{
    uint64_t random = 7;
    void *alive[20] = {NULL};

    for (unsigned phase = 0; phase < 20; phase++) {
        begin_phase();
        for (unsigned i = 0; i < 2000; i++) {
            size_t at = random_below(&random, 20);
            size_t size = random_size(&random);

            zk_free(alive[at]);
            alive[at] =
                random_below(&random, 8) == 0 ? zk_aligned_alloc(4096, size) : zk_malloc(size);
            CHECK(alive[at] != NULL && zk_owns(alive[at]));
            check_zero_and_soil(alive[at]);
        }
        end_phase();
    }
    CHECK(stats_now().reuses > 20);
}

/* In the current chunk, past its end, and past the end of a closed chunk. */
static void what_a_block_grows_into_is_zero(void)
{
    for (unsigned round = 0; round < 30; round++) {
        char *p;

        begin_phase();
        p = arena_block(1000);
        CHECK(is_all(p, 1000, 0));
        for (size_t size = 1000; size < 4 * MIB; size = size * 3 / 2) {
            fill_secret(p, size);
            p = zk_realloc(p, size * 3 / 2);
            CHECK(is_all(p + size / 8 * 8, size * 3 / 2 - size / 8 * 8, 0));
        }
        zk_free(p);
        end_phase();
    }
}

/* The gap between a block and an aligned one after it belongs to the first. */
static void the_room_before_an_aligned_block_is_zero(void)
{
    char *p;

    begin_phase();
    make_and_free_secret(8 * MIB);
    p = arena_block(100);
    CHECK(zk_owns(zk_aligned_alloc(2 * MIB, 100)) && zk_usable_size(p) > MIB);
    CHECK(is_all(p, zk_usable_size(p), 0));
}

static void calloc_gives_zeros(void)
{
    for (unsigned round = 0; round < 100; round++) {
        size_t size = sizes[round % size_count];
        char *p;

        begin_phase();
        make_and_free_secret(size);
        p = zk_calloc(1, size);
        CHECK(zk_owns(p) && is_all(p, size, 0));
        fill_secret(p, size);
        zk_free(p);
        end_phase();
    }
}

/* ---- The call ---- */

static void it_leaves_nothing_that_is_dead(void)
{
    void *kept[size_count] = {NULL};

    for (unsigned phase = 0; phase < 5; phase++) {
        begin_phase();
        prove(phase == 2 ? kept : NULL);
        CHECK(secrets() > 0);
        CHECK(zk_wipe_phase() == 0);
        CHECK(secrets() == 0 && zk_begin_phase() == 0);
        CHECK(secrets() == 0 && zk_end_phase() == 0);
    }
    check_kept(kept);
}

static void it_may_come_after_the_end(void)
{
    CHECK(zk_wipe_phase() == 0); /* before the first phase */
    begin_phase();
    prove(NULL);
    end_phase();
    CHECK(secrets() > 0);
    CHECK(zk_wipe_phase() == 0);
    CHECK(secrets() == 0);
    CHECK(zk_wipe_phase() == 0);
}

/* A free between the call and the next begin comes after the call: the switch, or the next call, handles it. */
static void what_is_freed_after_it_is_left_to_the_next(void)
{
    char *before;
    char *p;
    size_t left;

    begin_phase();
    before = arena_block(MIB); /* the next phase starts here */
    fill_secret(p = arena_block(MIB), 5000);
    zk_free(before);
    CHECK(zk_wipe_phase() == 0 && secrets() == 625);
    zk_free(p);
    next_phase();
    left = secrets();
    CHECK(fresh_number == 1 ? left == 0 : left > 0);
    CHECK(zk_wipe_phase() == 0 && secrets() == 0);
}

static void freed_by_hook(void *p)
{
    zk_free(p);
}

static void what_a_hook_frees_is_wiped(void)
{
    char *p;

    begin_phase();
    fill_secret(p = arena_block(5000), 5000);
    CHECK(zk_on_phase_end(freed_by_hook, p) == 0);
    CHECK(zk_wipe_phase() == 0 && secrets() == 0);
    CHECK(zk_remove_phase_end(freed_by_hook, p) == 0);
}

static void blind_it_waits_for_the_next_begin(void)
{
    begin_phase();
    fill_secret(arena_block(5000), 5000);
    CHECK(zk_wipe_phase() == -1 && errno == EAGAIN);
    CHECK(secrets() == 625); /* blocks are valid until the next begin */
    next_phase();
    CHECK(secrets() == 0);
}

static void a_discarded_phase_waits_for_the_next_begin(void)
{
    begin_phase();
    fill_secret(arena_block(5000), 5000);
    CHECK(zk_discard_phase() == 0);
    CHECK(zk_wipe_phase() == -1 && errno == EAGAIN && secrets() == 625);
    next_phase();
    CHECK(secrets() == 0);
}

static void a_nested_phase_is_ended_and_nothing_wiped(void)
{
    char *p;

    begin_phase();
    fill_secret(p = arena_block(5000), 5000);
    begin_phase();
    make_and_free_secret(1000);
    CHECK(zk_wipe_phase() == -1 && errno == EAGAIN && secrets() >= 625);
    zk_free(p);
    CHECK(zk_wipe_phase() == 0 && secrets() == 0);
    CHECK(zk_end_phase() == -1 && errno == EINVAL);
}

static void *call_elsewhere(void *arg)
{
    (void)arg;
    CHECK(zk_wipe_phase() == -1 && errno == EPERM);
    return NULL;
}

static void another_threads_phase_is_left_alone(void)
{
    begin_phase();
    make_and_free_secret(5000);
    join_thread(start_thread(call_elsewhere, NULL));
    CHECK(secrets() == 625);
    end_phase();
}

/* ---- Other threads ---- */

struct worker {
    pthread_barrier_t *barrier;
    bool stays;
};

static void *work(void *arg)
{
    struct worker *worker = arg;

    for (unsigned phase = 0; phase < 3; phase++) {
        pthread_barrier_wait(worker->barrier); /* begun */
        prove(NULL);
        pthread_barrier_wait(worker->barrier); /* done */
    }
    if (worker->stays)
        pthread_barrier_wait(worker->barrier);
    return NULL;
}

/* Workers that wait, and workers that have ended. */
static void the_slabs_of_other_threads_are_wiped(void)
{
    struct worker worker;
    pthread_barrier_t barrier;
    pthread_t threads[2];

    pthread_barrier_init(&barrier, NULL, 3);
    worker = (struct worker){&barrier, fresh_number == 0};
    for (unsigned i = 0; i < 2; i++)
        threads[i] = start_thread(work, &worker);
    for (unsigned phase = 0; phase < 3; phase++) {
        begin_phase();
        pthread_barrier_wait(&barrier);
        prove(NULL);
        pthread_barrier_wait(&barrier);
        if (phase == 2 && !worker.stays)
            for (unsigned i = 0; i < 2; i++)
                join_thread(threads[i]);
        CHECK(zk_wipe_phase() == 0);
        CHECK(secrets() == 0);
    }
    if (worker.stays) {
        pthread_barrier_wait(&barrier);
        for (unsigned i = 0; i < 2; i++)
            join_thread(threads[i]);
    }
}

/* Holds a slab with a freed secret in it, and waits. */
static void *hold(void *arg)
{
    pthread_barrier_t *barrier = arg;

    make_and_free_secret(zk_chunk_bytes() / 4 * 3);
    make_and_free_secret(zk_chunk_bytes() /
                         2); /* in the same place: the memory ahead has been used */
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return NULL;
}

/* The slab that the other thread holds. */
static struct slab *slab_elsewhere(const void *own)
{
    for (unsigned i = 0; i < zk_region.slabs; i++)
        if (zk_slab_is_held(zk_region_slab(i)) && zk_region_slab(i) != zk_region_slab_of(own))
            return zk_region_slab(i);
    CHECK(!"a slab of another thread");
    return NULL;
}

/* What the holder may be doing is simulated: it is in the slow path; it is in the fast path, about to bump over a
 * block. */
static void a_slab_whose_holder_may_be_allocating_is_left_alone(void)
{
    const size_t left = zk_chunk_bytes() / 2 / 8;
    pthread_barrier_t barrier;
    pthread_t thread;
    struct slab *slab;
    char *own;

    pthread_barrier_init(&barrier, NULL, 2);
    begin_phase();
    own = arena_block(16);
    thread = start_thread(hold, &barrier);
    pthread_barrier_wait(&barrier);
    slab = slab_elsewhere(own);
    atomic_store(&slab->busy, 1);
    CHECK(zk_wipe_phase() == -1 && errno == EAGAIN && secrets() == left);
    atomic_store(&slab->busy, 0);
    fill_secret(LOAD(slab->bump), 64);
    CHECK(secrets() == left + 8);
    CHECK(zk_wipe_phase() == 0 && secrets() == 8);
    pthread_barrier_wait(&barrier);
    join_thread(thread);
    CHECK(zk_wipe_phase() == 0); /* not held any more */
}

static atomic_bool stop;

/* Allocates, checks and frees, whatever the phases do. */
static void *churn(void *arg)
{
    uint64_t random = 1 + (uintptr_t)arg;
    void *alive[16] = {NULL};
    size_t bytes[16] = {0};

    while (!atomic_load(&stop)) {
        size_t at = random_below(&random, 16);

        CHECK(alive[at] == NULL || is_filled(alive[at], bytes[at], (unsigned)at));
        bytes[at] = 1 + (random_below(&random, 4) == 0 ? random_size(&random)
                                                       : random_below(&random, 3000));
        if (random_below(&random, 4) == 0) {
            alive[at] = zk_realloc(alive[at], bytes[at]);
        } else {
            zk_free(alive[at]);
            alive[at] = zk_malloc(bytes[at]);
        }
        CHECK(alive[at] != NULL);
        fill(alive[at], bytes[at], (unsigned)at);
    }
    for (size_t i = 0; i < 16; i++)
        CHECK(alive[i] == NULL || is_filled(alive[i], bytes[i], (unsigned)i));
    return NULL;
}

/* Threads that do not know about phases keep what they have. */
static void what_lives_is_kept_while_others_allocate(void)
{
    pthread_t threads[3];

    for (uintptr_t i = 0; i < 3; i++)
        threads[i] = start_thread(churn, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    for (unsigned phase = 0; phase < (SANITIZED ? 100 : 1000); phase++) {
        begin_phase();
        make_and_free_secret(2000);
        if (phase % 3 == 0)
            usleep(100);
        CHECK(zk_wipe_phase() == 0 || errno == EAGAIN);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < 3; i++)
        join_thread(threads[i]);
    CHECK(zk_wipe_phase() == 0 || errno == EAGAIN);
    next_phase();
    CHECK(secrets() == 0);
}

static void wipe_in_child(void *arg)
{
    CHECK(zk_wipe_phase() == 0 && secrets() == 0);
    begin_phase();
    check_kept(arg);
    prove(NULL);
    CHECK(zk_wipe_phase() == 0 && secrets() == 0);
}

static void a_child_wipes_what_it_has_inherited(void)
{
    void *kept[size_count];

    begin_phase();
    prove(kept);
    end_phase();
    CHECK(status_of_fork(wipe_in_child, kept) == 0);
    CHECK(secrets() > 0);
}

#define WIPED       .env = {ALL_SIZES, SLAB_64M, WIPE}
#define WIPED_BLIND .env = {ALL_SIZES, SLAB_64M, WIPE, BLIND}

static const struct CMUnitTest tests[] = {
    FRESH(without_it_secrets_stay, PINNED_SMALL),
    FRESH(nothing_is_left_after_the_next_begin, WIPED),
    FRESH_AS("nothing is left after the next begin, blind", nothing_is_left_after_the_next_begin,
             WIPED_BLIND),
    FRESH(nothing_dead_is_left_beside_what_lives, WIPED),
    FRESH(a_block_that_has_grown_is_not_wiped, PINNED_SMALL),
    FRESH(what_dies_late_is_wiped, WIPED),
    FRESH(a_block_over_many_chunks_dies_beside_kept_ones, WIPED),
    FRESH(what_is_used_again_in_the_phase_is_zero, WIPED),
    FRESH(what_a_block_grows_into_is_zero, WIPED),
    FRESH(the_room_before_an_aligned_block_is_zero, WIPED),
    FRESH(calloc_gives_zeros, WIPED),
    FRESH_AS("calloc gives zeros, blind", calloc_gives_zeros, WIPED_BLIND),

    FRESH(it_leaves_nothing_that_is_dead, PINNED_SMALL),
    FRESH(it_may_come_after_the_end, PINNED_SMALL),
    FRESH(what_is_freed_after_it_is_left_to_the_next, PINNED_SMALL),
    FRESH_AS("what is freed after it is wiped at the next begin by the switch",
             what_is_freed_after_it_is_left_to_the_next, WIPED, .number = 1),
    FRESH(what_a_hook_frees_is_wiped, PINNED_SMALL),
    FRESH(blind_it_waits_for_the_next_begin, .env = {ALL_SIZES, SLAB_64M, BLIND}),
    FRESH(a_discarded_phase_waits_for_the_next_begin, PINNED_SMALL),
    FRESH(a_nested_phase_is_ended_and_nothing_wiped,
          .env = {ALL_SIZES, SLAB_64M, "ZK_ALLOC_NESTING=count"}),
    FRESH(another_threads_phase_is_left_alone, PINNED_SMALL),

    FRESH_AS("the slabs of parked threads are wiped", the_slabs_of_other_threads_are_wiped, WIPED),
    FRESH_AS("the slabs of threads that have ended are wiped", the_slabs_of_other_threads_are_wiped,
             WIPED, .number = 1),
    FRESH(a_slab_whose_holder_may_be_allocating_is_left_alone, WIPED),
    FRESH_AS("what lives is kept while others allocate", what_lives_is_kept_while_others_allocate,
             .env = {ALL_SIZES, SLAB_64M, UNTENURED}),
    FRESH_AS("what lives is kept while others allocate, with the switch",
             what_lives_is_kept_while_others_allocate, WIPED),
    FRESH(a_child_wipes_what_it_has_inherited, PINNED_SMALL),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
