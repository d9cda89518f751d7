/*
 * test_epoch.c - the epoch collector on the C library's memory (no phase begins): what allocates,
 * that nothing is reclaimed early, and that everything is reclaimed in the end. There is one
 * collector per process, so the order of the tests matters: the first one is its first use.
 */
#include "models/epoch.h"
#include "zkalloc.h"

#include "allocated.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { READERS = 3, WRITERS = 2, SWAPS = 20000, CHURN = 150, POISON = 0xdead };

static _Atomic unsigned calls;

static void count_call(uintptr_t *words)
{
    (void)words;
    atomic_fetch_add(&calls, 1);
}

static void defer_counted(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        epoch_defer(count_call, 0, 0, 0);
}

static void flush_once(void)
{
    epoch_pin();
    epoch_flush();
    epoch_unpin();
}

/* Empties the queue. What the calling thread has deferred but not flushed stays with it. */
static void drain(void)
{
    for (unsigned i = 0; i < 100 * EPOCH_PINS_PER_COLLECT; i++) {
        epoch_pin();
        epoch_unpin();
    }
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(EPOCH_BAG_BYTES, EPOCH_BAG_CALLS * 32 + 8);
    assert_int_equal(EPOCH_NODE_BYTES, 8 + EPOCH_BAG_BYTES + 8);
    assert_int_equal(EPOCH_LOCAL_BYTES, 2104);
}

static void *pin_once(void *arg)
{
    (void)arg;
    epoch_pin();
    epoch_pin();
    epoch_unpin();
    epoch_unpin();
    return NULL;
}

static void first_pin_makes_the_record(void **state)
{
    struct zk_stats before;
    struct zk_stats more;
    pthread_t thread;

    (void)state;
    zk_stats(&before);
    pin_once(NULL);
    more = allocated_since(&before);
    assert_int_equal(more.system_count, 3);
    assert_int_equal(more.system_bytes, EPOCH_NODE_BYTES + EPOCH_GLOBAL_BYTES + EPOCH_LOCAL_BYTES);

    zk_stats(&before);
    pin_once(NULL);
    assert_int_equal(allocated_since(&before).system_count, 0);

    zk_stats(&before);
    assert_int_equal(pthread_create(&thread, NULL, pin_once, NULL), 0);
    pthread_join(thread, NULL);
    more = allocated_since(&before); /* its record; at its end, its bag's node */
    assert_int_equal(more.system_count, 2);
    assert_int_equal(more.system_bytes, EPOCH_LOCAL_BYTES + EPOCH_NODE_BYTES);
}

static void a_bag_holds_64(void **state)
{
    struct zk_stats before;

    (void)state;
    drain();
    flush_once();
    epoch_pin();
    zk_stats(&before);
    defer_counted(64);
    assert_int_equal(allocated_since(&before).system_count, 0);
    defer_counted(1); /* seals the full bag first */
    assert_int_equal(allocated_since(&before).system_count, 1);
    assert_int_equal(allocated_since(&before).system_bytes, EPOCH_NODE_BYTES);
    epoch_unpin();
}

/* A bag sealed in epoch e is run in the collection that finds the epoch at e + 2. */
static void runs_two_epochs_later(void **state)
{
    (void)state;
    drain();
    flush_once();
    flush_once();
    atomic_store(&calls, 0);
    epoch_pin();
    defer_counted(3);
    epoch_flush(); /* seals in e, advances to e + 1 */
    epoch_flush(); /* cannot advance: this thread is pinned in e */
    epoch_flush();
    epoch_unpin();
    assert_int_equal(atomic_load(&calls), 0);
    flush_once(); /* to e + 2 */
    assert_int_equal(atomic_load(&calls), 3);
}

static void check_words(uintptr_t *words)
{
    if (words[0] == 11 && words[1] == 22 && words[2] == 33)
        atomic_fetch_add(&calls, 1);
}

static void words_arrive(void **state)
{
    (void)state;
    atomic_store(&calls, 0);
    epoch_pin();
    epoch_defer(check_words, 11, 22, 33);
    epoch_flush();
    epoch_unpin();
    drain();
    assert_int_equal(atomic_load(&calls), 1);
}

static unsigned pins_until_called(void)
{
    atomic_store(&calls, 0);
    epoch_pin();
    defer_counted(1);
    epoch_flush();
    epoch_unpin();
    for (unsigned pins = 1;; pins++) {
        epoch_pin();
        epoch_unpin();
        if (atomic_load(&calls) != 0)
            return pins + 1;
    }
}

static void collects_every_128_pins(void **state)
{
    (void)state;
    drain();
    pins_until_called(); /* up to the next collection */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(pins_until_called(), EPOCH_PINS_PER_COLLECT);
}

static void a_first_pin_collects(void **state)
{
    pthread_t thread;

    (void)state;
    drain();
    flush_once();
    atomic_store(&calls, 0);
    epoch_pin();
    defer_counted(1);
    epoch_flush();
    epoch_unpin();
    assert_int_equal(atomic_load(&calls), 0);
    assert_int_equal(pthread_create(&thread, NULL, pin_once, NULL), 0);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&calls), 1);
}

/* A thread that stays pinned, so that the epoch cannot advance further. */
static struct {
    pthread_t thread;
    pthread_barrier_t barrier;
} holder;

static void *hold(void *arg)
{
    (void)arg;
    epoch_pin();
    epoch_pin();
    epoch_unpin(); /* still pinned by the outer pin */
    pthread_barrier_wait(&holder.barrier);
    pthread_barrier_wait(&holder.barrier);
    epoch_unpin();
    return NULL;
}

static void holder_start(void)
{
    assert_int_equal(pthread_barrier_init(&holder.barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&holder.thread, NULL, hold, NULL), 0);
    pthread_barrier_wait(&holder.barrier);
}

static void holder_stop(void)
{
    pthread_barrier_wait(&holder.barrier);
    pthread_join(holder.thread, NULL);
    pthread_barrier_destroy(&holder.barrier);
}

static void a_pinned_thread_stops_reclamation(void **state)
{
    (void)state;
    drain();
    holder_start();
    atomic_store(&calls, 0);
    epoch_pin();
    defer_counted(1);
    epoch_flush();
    epoch_unpin();
    for (unsigned i = 0; i < 1000; i++)
        flush_once();
    assert_int_equal(atomic_load(&calls), 0);
    holder_stop();
    flush_once();
    flush_once();
    assert_int_equal(atomic_load(&calls), 1);
}

static void a_collection_runs_8_bags(void **state)
{
    unsigned seen = 0;
    unsigned most = 0;

    (void)state;
    drain();
    holder_start();
    atomic_store(&calls, 0);
    for (unsigned i = 0; i < 40; i++) {
        epoch_pin();
        defer_counted(1);
        epoch_flush();
        epoch_unpin();
    }
    assert_int_equal(atomic_load(&calls), 0);
    holder_stop();
    for (unsigned i = 0; i < 10; i++) {
        flush_once();
        if (atomic_load(&calls) - seen > most)
            most = atomic_load(&calls) - seen;
        seen = atomic_load(&calls);
    }
    assert_int_equal(most, EPOCH_COLLECT_STEPS);
    assert_int_equal(seen, 40);
}

static void *defer_and_end(void *arg)
{
    (void)arg;
    epoch_pin();
    defer_counted(10);
    epoch_unpin();
    return NULL;
}

static void a_thread_leaves_its_bag(void **state)
{
    (void)state;
    drain();
    atomic_store(&calls, 0);
    for (unsigned i = 0; i < 50; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, defer_and_end, NULL), 0);
        pthread_join(thread, NULL);
    }
    drain();
    assert_int_equal(atomic_load(&calls), 500);
}

static void records_and_nodes_are_freed(void **state)
{
    size_t before;
    size_t after;

    (void)state;
    drain();
    before = bytes_in_use();
    for (unsigned i = 0; i < 300; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, pin_once, NULL), 0);
        pthread_join(thread, NULL);
    }
    drain();
    after = bytes_in_use();
    assert_true(after < before + 30 * (size_t)EPOCH_LOCAL_BYTES);
}

static void defer_again(uintptr_t *words)
{
    atomic_fetch_add(&calls, 1);
    if (words[0] > 0)
        epoch_defer(defer_again, words[0] - 1, 0, 0);
}

static void a_deferred_call_may_defer(void **state)
{
    (void)state;
    atomic_store(&calls, 0);
    epoch_pin();
    epoch_defer(defer_again, 9, 0, 0);
    epoch_unpin();
    for (unsigned i = 0; i < 100 && atomic_load(&calls) < 10; i++)
        flush_once();
    assert_int_equal(atomic_load(&calls), 10);
}

/* Readers use an object that a writer keeps replacing; an object is poisoned before it is freed. */
struct object {
    _Atomic unsigned value;
    unsigned twin; /* not atomic, so that ThreadSanitizer reports a free that is too early */
};

static struct {
    struct object *_Atomic object;
    _Atomic bool done;
    _Atomic unsigned freed;
} stress;

static struct object *object_new(unsigned value)
{
    struct object *object = zk_malloc(sizeof *object);

    assert_non_null(object);
    atomic_init(&object->value, value);
    object->twin = value;
    return object;
}

static void poison_and_free(uintptr_t *words)
{
    struct object *object = (struct object *)words[0];

    atomic_store(&object->value, POISON);
    object->twin = 0;
    zk_free(object);
    atomic_fetch_add(&stress.freed, 1);
}

static void *read_objects(void *arg)
{
    (void)arg;
    while (!atomic_load(&stress.done)) {
        const struct object *object;

        epoch_pin();
        object = atomic_load(&stress.object);
        for (unsigned i = 0; i < 20; i++)
            if (atomic_load(&object->value) != object->twin)
                return "an object was reclaimed while a pinned thread could see it";
        epoch_unpin();
    }
    return NULL;
}

static void *replace_objects(void *arg)
{
    (void)arg;
    for (unsigned i = 1; i <= SWAPS; i++) {
        struct object *old;

        epoch_pin();
        old = atomic_exchange(&stress.object, object_new(i));
        epoch_defer(poison_and_free, (uintptr_t)old, 0, 0);
        if (i % 16 == 0)
            epoch_flush();
        epoch_unpin();
        if (i % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static void never_early_and_in_the_end(void **state)
{
    pthread_t writers[WRITERS];
    pthread_t readers[READERS];
    void *wrong;

    (void)state;
    atomic_store(&stress.object, object_new(0));
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_objects, NULL), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, replace_objects, NULL), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&stress.done, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i], &wrong);
        assert_null(wrong);
    }
    for (unsigned i = 0; i < 1000 && atomic_load(&stress.freed) < WRITERS * SWAPS; i++)
        flush_once();
    assert_int_equal(atomic_load(&stress.freed), WRITERS * SWAPS);
    zk_free(atomic_load(&stress.object));
}

static void *pin_a_little(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 20; i++)
        flush_once();
    defer_and_end(NULL);
    return NULL;
}

static void *come_and_go(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < CHURN; i++) {
        pthread_t threads[2];

        for (unsigned t = 0; t < 2; t++)
            if (pthread_create(&threads[t], NULL, pin_a_little, NULL) != 0)
                return "no thread";
        for (unsigned t = 0; t < 2; t++)
            pthread_join(threads[t], NULL);
    }
    return NULL;
}

/* Records are unlinked and freed while other threads walk the list of them. */
static void threads_come_and_go(void **state)
{
    pthread_t threads[READERS];
    void *wrong;

    (void)state;
    drain();
    atomic_store(&calls, 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    drain();
    assert_int_equal(atomic_load(&calls), READERS * CHURN * 2 * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_pin_makes_the_record), /* must be first */
        cmocka_unit_test(sizes),
        cmocka_unit_test(a_bag_holds_64),
        cmocka_unit_test(runs_two_epochs_later),
        cmocka_unit_test(words_arrive),
        cmocka_unit_test(collects_every_128_pins),
        cmocka_unit_test(a_first_pin_collects),
        cmocka_unit_test(a_pinned_thread_stops_reclamation),
        cmocka_unit_test(a_collection_runs_8_bags),
        cmocka_unit_test(a_thread_leaves_its_bag),
        cmocka_unit_test(records_and_nodes_are_freed),
        cmocka_unit_test(a_deferred_call_may_defer),
        cmocka_unit_test(never_early_and_in_the_end),
        cmocka_unit_test(threads_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
