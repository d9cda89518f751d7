/*
 * test_thread_slabs.c - slabs outlive their threads, and an heir takes them over.
 */
#include "thread_crews.h"

static void *live_shortly(void *arg)
{
    char *p = arena_block(100 + (size_t)arg);

    fill(p, 100, (unsigned)(uintptr_t)arg);
    CHECK(is_filled(p, 100, (unsigned)(uintptr_t)arg));
    CHECK(!zk_owns(zk_malloc(99)));
    return NULL;
}

static void ten_thousand_short_lives_are_all_served_from_slabs(void)
{
    enum { LIVES = 10000 };
    pthread_t threads[TEAM];

    for (size_t life = 0; life < LIVES;) {
        if (life % 1000 == 0)
            begin_phase();
        for (unsigned i = 0; i < TEAM; i++)
            threads[i] = start_thread(live_shortly, (void *)life++);
        for (unsigned i = 0; i < TEAM; i++)
            join_thread(threads[i]);
        if (life % 1000 == 0)
            end_phase();
    }
    CHECK(stats_now().arena_count == LIVES && stats_now().system_count == LIVES);
    CHECK(stats_now().overflow_count == 0);
    CHECK(stats_now().slabs_in_use == 0);
    begin_phase();
    CHECK(stats_now().retained_count == LIVES);
}

static void the_blocks_of_dead_threads_live_to_the_end_of_the_phase(void)
{
    struct legacy *legacies;
    unsigned lives;

    begin_phase();
    lives = 4 * (unsigned)stats_now().slabs; /* so that slabs are passed on several times */
    legacies = calloc(lives, sizeof *legacies);
    CHECK(legacies != NULL);
    for (unsigned i = 0; i < lives; i++) {
        legacies[i] = (struct legacy){.bytes = 700 + 97 * (i % 300), .seed = i};
        run_thread(leave_a_block, &legacies[i]);
    }
    end_phase();
    for (unsigned i = 0; i < lives; i++) {
        CHECK(is_filled(legacies[i].p, legacies[i].bytes, legacies[i].seed));
        CHECK(zk_usable_size(legacies[i].p) - legacies[i].bytes < 16);
    }
    free(legacies);
}

static void an_heir_rewinds_the_slab_in_the_next_phase(void)
{
    struct legacy legacy = {.bytes = 5000};

    for (unsigned phase = 0; phase < 100; phase++) {
        begin_phase();
        run_thread(leave_a_block, &legacy);
        CHECK(legacy.p == slab_start_of(legacy.p));
        end_phase();
    }
}

struct crowd {
    pthread_barrier_t all;  /* every member, and the main thread */
    pthread_barrier_t poor; /* those without a slab, and the main thread */
};

struct member {
    struct crowd *crowd;
    pthread_t thread;
    bool rich; /* has a slab */
};

static void *take_part(void *arg)
{
    struct member *self = arg;
    char *p = zk_malloc(500);

    CHECK(p != NULL);
    fill(p, 500, 1);
    self->rich = zk_owns(p);
    meet(&self->crowd->all);
    CHECK(is_filled(p, 500, 1));
    if (self->rich)
        return NULL;
    meet(&self->crowd->poor);
    arena_block(500);
    return NULL;
}

static void threads_without_a_slab_are_served_by_system_until_one_is_free(void)
{
    enum { POOR = 5 };
    struct crowd crowd;
    size_t slabs;
    size_t count;
    struct member *members;

    begin_phase();
    slabs = (size_t)stats_now().slabs;
    count = slabs + POOR;
    members = calloc(count, sizeof *members);
    CHECK(members != NULL);
    new_barrier(&crowd.all, count + 1);
    new_barrier(&crowd.poor, POOR + 1);
    for (size_t i = 0; i < count; i++) {
        members[i].crowd = &crowd;
        members[i].thread = start_thread(take_part, &members[i]);
    }
    meet(&crowd.all);
    for (size_t i = 0; i < count; i++)
        if (members[i].rich)
            join_thread(members[i].thread);
    CHECK(stats_now().arena_count == slabs && stats_now().slabs_in_use == 0);
    CHECK(stats_now().overflow_count == POOR && stats_now().overflow_bytes == POOR * 500);
    CHECK(stats_now().system_count == POOR);
    meet(&crowd.poor);
    for (size_t i = 0; i < count; i++)
        if (!members[i].rich)
            join_thread(members[i].thread);
    CHECK(stats_now().overflow_count == POOR && stats_now().arena_count == slabs + POOR);
}

static const struct CMUnitTest tests[] = {
    FRESH(ten_thousand_short_lives_are_all_served_from_slabs,
          .env = {BLIND, SLAB_16M, "ZK_ALLOC_MIN_BYTES=100"}),
    FRESH(the_blocks_of_dead_threads_live_to_the_end_of_the_phase, .env = {ARENA}),
    FRESH(an_heir_rewinds_the_slab_in_the_next_phase, .env = {ARENA}),
    FRESH(threads_without_a_slab_are_served_by_system_until_one_is_free, .env = {ARENA}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
