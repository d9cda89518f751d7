/*
 * test_span_registry_threads.c - spans that several threads open, use and close.
 */
#include "spans.h"

#include <pthread.h>
#include <string.h>

/* The shard's number, at its place in the real identifier. */
static unsigned shard_of(uint64_t id)
{
    return (unsigned)((id - 1) >> 38 & 0x1FFF);
}

struct errand {
    struct span_registry *registry;
    uint64_t ids[32];
    enum span_status statuses[32];
    unsigned shard;
};

static void *close_all(void *arg)
{
    struct errand *errand = arg;

    for (unsigned i = 0; i < 32; i++)
        errand->statuses[i] = span_registry_close(errand->registry, errand->ids[i]);
    return NULL;
}

static void *open_one(void *arg)
{
    struct errand *errand = arg;

    if (span_registry_new_span(errand->registry, &metadata, &errand->ids[0]) == SPAN_OK)
        errand->shard = shard_of(errand->ids[0]);
    span_registry_close(errand->registry, errand->ids[0]);
    return NULL;
}

static void on_a_thread(void *(*body)(void *), struct errand *errand)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, body, errand), 0);
    pthread_join(thread, NULL);
}

static void slots_closed_by_other_threads_are_used_again(void **state)
{
    struct errand errand = {.registry = new_registry()};

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 32; i++)
            errand.ids[i] = open_span(errand.registry);
        assert_int_equal(span_registry_page_count(errand.registry), 1);
        on_a_thread(close_all, &errand);
        for (unsigned i = 0; i < 32; i++)
            assert_int_equal(errand.statuses[i], SPAN_CLOSED);
    }
    assert_int_equal(address_of(open_span(errand.registry)), address_of(errand.ids[31]));
    span_registry_destroy(errand.registry);
}

/* Local slots are used first, then all remote ones at once; only then the next page. */
static void local_free_list_comes_first(void **state)
{
    struct errand errand = {.registry = new_registry()};
    uint64_t local[8];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        errand.ids[i] = open_span(errand.registry);
    memcpy(local, errand.ids + 24, sizeof local);
    memset(errand.ids + 24, 0xFF, sizeof local);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(span_registry_close(errand.registry, local[i]), SPAN_CLOSED);
    on_a_thread(close_all, &errand);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(address_of(open_span(errand.registry)), address_of(local[7 - i]));
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(address_of(open_span(errand.registry)), address_of(errand.ids[23 - i]));
    assert_int_equal(span_registry_page_count(errand.registry), 1);
    assert_int_equal(address_of(open_span(errand.registry)), 32);
    span_registry_destroy(errand.registry);
}

/* New threads get the numbers of ended ones, the oldest first, as long as more than one waits. */
static void shards_of_ended_threads_are_used_again(void **state)
{
    struct errand errand = {.registry = new_registry()};
    unsigned shards[6];
    size_t pages;

    (void)state;
    for (unsigned i = 0; i < 40; i++) /* uses up what earlier tests have left in the queue */
        on_a_thread(open_one, &errand);
    pages = span_registry_page_count(errand.registry);
    for (unsigned i = 0; i < 6; i++) {
        on_a_thread(open_one, &errand);
        shards[i] = errand.shard;
    }
    assert_int_equal(span_registry_page_count(errand.registry), pages);
    assert_true(pages < 20);
    assert_int_not_equal(shards[0], shards[1]); /* the last number in the queue is not given out */
    span_registry_destroy(errand.registry);
}

struct crowd {
    struct span_registry *registry;
    pthread_barrier_t start;
    _Atomic uint64_t mailbox[16]; /* spans that anybody may close */
    _Atomic unsigned wrong;
};

static void expect(struct crowd *crowd, bool right)
{
    if (!right)
        atomic_fetch_add(&crowd->wrong, 1);
}

/* Opens a span with a second reference, uses it, and leaves that reference in the mailbox for some
 * other thread. */
static void one_round(struct crowd *crowd, uint64_t tag, unsigned place)
{
    struct span_registry *registry = crowd->registry;
    uint64_t value[5] = {tag, 1, 2, 3, ~tag};
    uint64_t read[5] = {0};
    uint64_t id = 0;

    expect(crowd, span_registry_new_span(registry, &metadata, &id) == SPAN_OK);
    expect(crowd, span_registry_enter(registry, id) == SPAN_OK);
    expect(crowd, span_registry_insert_extension(registry, id, &timings, value) == SPAN_OK);
    expect(crowd, span_registry_get_extension(registry, id, &timings, read) == SPAN_OK);
    expect(crowd, memcmp(read, value, sizeof value) == 0);
    expect(crowd, span_registry_clone(registry, id) == SPAN_OK);
    expect(crowd, span_registry_exit(registry, id) == SPAN_OK);
    id = atomic_exchange(&crowd->mailbox[place], id);
    if (id == 0)
        return;
    expect(crowd, span_registry_get_extension(registry, id, &timings, read) == SPAN_OK);
    expect(crowd, read[0] == ~read[4]);
    expect(crowd, span_registry_close(registry, id) == SPAN_OK);
    expect(crowd, span_registry_close(registry, id) == SPAN_CLOSED);
}

static void *live_in_the_crowd(void *arg)
{
    struct crowd *crowd = arg;
    unsigned seed = (unsigned)(uintptr_t)&seed;

    pthread_barrier_wait(&crowd->start);
    for (unsigned i = 0; i < ROUNDS; i++)
        one_round(crowd, i, (unsigned)rand_r(&seed) % 16);
    return NULL;
}

static void four_threads_agree(void **state)
{
    struct crowd crowd = {.registry = new_registry()};
    unsigned long drops = dropped;
    pthread_t threads[THREADS];

    (void)state;
    pthread_barrier_init(&crowd.start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live_in_the_crowd, &crowd), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 16; i++)
        if (crowd.mailbox[i] != 0) {
            span_registry_close(crowd.registry, crowd.mailbox[i]);
            expect(&crowd, span_registry_close(crowd.registry, crowd.mailbox[i]) == SPAN_CLOSED);
        }
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(dropped - drops, THREADS * ROUNDS);
    assert_int_equal(span_registry_span_count(crowd.registry), 0);
    assert_true(span_registry_page_count(crowd.registry) <= THREADS + 1);
    pthread_barrier_destroy(&crowd.start);
    span_registry_destroy(crowd.registry);
}

struct pair {
    struct span_registry *registry;
    uint64_t id;
    _Atomic unsigned wrong;
};

static void *wait_for_extension(void *arg)
{
    struct pair *pair = arg;
    uint64_t read[3];
    enum span_status status;

    do
        status = span_registry_get_extension(pair->registry, pair->id, &fields, read);
    while (status == SPAN_NOT_FOUND);
    if (status != SPAN_OK || read[0] != pair->id || read[2] != 3)
        atomic_fetch_add(&pair->wrong, 1);
    return NULL;
}

/* Extensions are read while others are inserted. */
static void extensions_are_locked(void **state)
{
    struct pair pair = {.registry = new_registry()};

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        uint64_t value[5] = {pair.id = open_span(pair.registry), 2, 3, 4, 5};
        pthread_t threads[2];

        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, wait_for_extension, &pair), 0);
        span_registry_insert_extension(pair.registry, pair.id, &more[0], value);
        span_registry_insert_extension(pair.registry, pair.id, &more[1], value);
        span_registry_insert_extension(pair.registry, pair.id, &timings, value);
        span_registry_insert_extension(pair.registry, pair.id, &fields, value);
        for (unsigned i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(span_registry_close(pair.registry, pair.id), SPAN_CLOSED);
    }
    assert_int_equal(pair.wrong, 0);
    span_registry_destroy(pair.registry);
}

/* Each thread closes one reference of each of the same spans: exactly one of them is told that it
 * was the last. */
struct race {
    struct span_registry *registry;
    pthread_barrier_t start;
    uint64_t id;
    _Atomic unsigned started; /* threads */
    _Atomic unsigned closed;
    _Atomic unsigned wrong;
};

static void *close_together(void *arg)
{
    struct race *race = arg;
    bool first = atomic_fetch_add(&race->started, 1) == 0;
    enum span_status status;

    for (unsigned i = 0; i < 500; i++) {
        pthread_barrier_wait(&race->start);
        if (first) {
            span_registry_new_root(race->registry, &metadata, &race->id);
            for (unsigned k = 1; k < THREADS; k++)
                span_registry_clone(race->registry, race->id);
        }
        pthread_barrier_wait(&race->start);
        status = span_registry_close(race->registry, race->id);
        if (status == SPAN_CLOSED)
            atomic_fetch_add(&race->closed, 1);
        else if (status != SPAN_OK)
            atomic_fetch_add(&race->wrong, 1);
    }
    return NULL;
}

static void exactly_one_closes(void **state)
{
    struct race race = {.registry = new_registry()};
    pthread_t threads[THREADS];

    (void)state;
    pthread_barrier_init(&race.start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, close_together, &race), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.wrong, 0);
    assert_int_equal(race.closed, 500);
    assert_int_equal(span_registry_span_count(race.registry), 0);
    pthread_barrier_destroy(&race.start);
    span_registry_destroy(race.registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_closed_by_other_threads_are_used_again),
        cmocka_unit_test(local_free_list_comes_first),
        cmocka_unit_test(shards_of_ended_threads_are_used_again),
        cmocka_unit_test(four_threads_agree),
        cmocka_unit_test(extensions_are_locked),
        cmocka_unit_test(exactly_one_closes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
