/*
 * test_thread_destructors.c - destructors of thread-specific data that allocate, before and after ours.
 */
#include "emulator.h"
#include "thread_crews.h"

#include <limits.h>
#include <sched.h>

/* In the last round ThreadSanitizer considers the thread ended, and must not be called any more. */
enum { DESTRUCTOR_ROUNDS = THREAD_SANITIZED ? 2 : PTHREAD_DESTRUCTOR_ITERATIONS };

struct life {
    bool before;     /* allocate on the thread itself */
    unsigned rounds; /* bit i: allocate in round i of the destructors */
    unsigned round;
};

static pthread_key_t late_key;

static void use_all_of_the_interface(void)
{
    char *p = zk_malloc(5000);
    char *q = zk_calloc(1, 40);

    CHECK(p != NULL && q != NULL);
    fill(p, 5000, 3);
    p = zk_realloc(p, 9000);
    CHECK(p != NULL && is_filled(p, 5000, 3));
    CHECK(zk_usable_size(p) >= 9000 && is_all(q, 40, 0));
    zk_free(p);
    zk_free(q);
}

static void live_on(void *arg)
{
    struct life *life = arg;

    if (life->rounds >> life->round & 1)
        use_all_of_the_interface();
    if (++life->round < DESTRUCTOR_ROUNDS)
        CHECK(pthread_setspecific(late_key, life) == 0);
}

static void *live_and_leave_a_destructor(void *arg)
{
    struct life *life = arg;

    if (life->before)
        use_all_of_the_interface();
    CHECK(pthread_setspecific(late_key, life) == 0);
    return NULL;
}

/* Keys are destroyed in the order of their creation, and zkalloc makes its own at its first use. */
enum { BEFORE_ZKALLOC, AFTER_ZKALLOC };

static void make_late_key(void)
{
    if (fresh_number == AFTER_ZKALLOC)
        zk_free(zk_malloc(1));
    CHECK(pthread_key_create(&late_key, live_on) == 0);
    alarm(FORK_LIMIT_S); /* a failure here may loop */
    begin_phase();
    zk_free(arena_block(5000));
}

static void allocate_in_rounds(bool before, unsigned rounds)
{
    struct zk_stats stats = stats_now();
    struct life life = {.before = before, .rounds = rounds};

    run_thread(live_and_leave_a_destructor, &life);
    CHECK(life.round == DESTRUCTOR_ROUNDS);
    CHECK(stats_now().arena_count + stats_now().system_count ==
          stats.arena_count + stats.system_count +
              3 * (before + (unsigned)__builtin_popcount(rounds)));
}

static void *insist_on_a_slab(void *arg)
{
    char *p;

    /* A thread that has been joined may still be on its way out. */
    while (!zk_owns(p = zk_malloc(5000))) {
        zk_free(p);
        sched_yield();
    }
    zk_free(p);
    meet(arg);
    return NULL;
}

/* Every slab but the main thread's serves a new thread. */
static void all_is_given_back(void)
{
    pthread_barrier_t barrier;
    size_t slabs = (size_t)stats_now().slabs;
    pthread_t *threads = calloc(slabs, sizeof *threads);

    CHECK(threads != NULL);
    new_barrier(&barrier, slabs - 1);
    for (size_t i = 1; i < slabs; i++)
        threads[i] = start_thread(insist_on_a_slab, &barrier);
    for (size_t i = 1; i < slabs; i++)
        join_thread(threads[i]);
    end_phase();
    begin_phase();
    CHECK(stats_now().retained_count == 0);
}

static void destructors_may_allocate_in_every_round(void)
{
    make_late_key();
    for (unsigned i = 0; i < 20; i++)
        for (unsigned rounds = 1; rounds < 1u << DESTRUCTOR_ROUNDS; rounds += rounds + 1)
            for (unsigned before = 0; before < 2; before++)
                allocate_in_rounds(before != 0, rounds);
    all_is_given_back();
}

/* Even if they did not in earlier rounds. */
static void destructors_may_allocate_in_any_round(void)
{
    needs_robust_mutexes();
    make_late_key();
    for (unsigned i = 0; i < 20; i++)
        for (unsigned rounds = 1; rounds < 1u << DESTRUCTOR_ROUNDS; rounds++)
            allocate_in_rounds(true, rounds);
    all_is_given_back();
}

/* If a thread first comes to us that late, its end goes unnoticed. */
static void a_thread_may_be_new_in_the_last_round_of_destructors(void)
{
    needs_robust_mutexes();
    make_late_key();
    for (unsigned i = 0; i < 20; i++) {
        allocate_in_rounds(false, 1u << (DESTRUCTOR_ROUNDS - 1));
        allocate_in_rounds(true, 0);
        allocate_in_rounds(false, 1);
    }
    all_is_given_back();
}

static const struct CMUnitTest tests[] = {
    FRESH_AS("destructors may allocate in every round, before ours",
             destructors_may_allocate_in_every_round, .env = {BLIND, SLAB_16M},
             .number = BEFORE_ZKALLOC),
    FRESH_AS("destructors may allocate in every round, after ours",
             destructors_may_allocate_in_every_round, .env = {BLIND, SLAB_16M},
             .number = AFTER_ZKALLOC),
    FRESH_AS("destructors may allocate in any round, before ours",
             destructors_may_allocate_in_any_round, .env = {BLIND, SLAB_16M},
             .number = BEFORE_ZKALLOC),
    FRESH_AS("destructors may allocate in any round, after ours",
             destructors_may_allocate_in_any_round, .env = {BLIND, SLAB_16M},
             .number = AFTER_ZKALLOC),
    FRESH_AS("a thread may be new in the last round of destructors, before ours",
             a_thread_may_be_new_in_the_last_round_of_destructors, .env = {BLIND, SLAB_16M},
             .number = BEFORE_ZKALLOC),
    FRESH_AS("a thread may be new in the last round of destructors, after ours",
             a_thread_may_be_new_in_the_last_round_of_destructors, .env = {BLIND, SLAB_16M},
             .number = AFTER_ZKALLOC),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
