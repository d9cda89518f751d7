/*
 * test_worker_deque.c - the deque on the C library's memory (no phase begins): sizes, its two ends
 * against a plain array, when it grows and shrinks and what that allocates, and that no job is lost
 * or run twice when thieves meet the owner.
 */
#include "models/epoch.h"
#include "models/worker_deque.h"
#include "zkalloc.h"

#include "allocated.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { THIEVES = 3, ROUNDS = 8, JOBS = 300000, LONGEST_BURST = 300 };

static void nothing(void *data)
{
    (void)data;
}

static struct job numbered(uintptr_t number)
{
    return (struct job){.data = (void *)number, .run = nothing};
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static uintptr_t pop_number(struct worker_deque *d)
{
    struct job job = {0};

    assert_true(deque_pop(d, &job));
    assert_ptr_equal(job.run, nothing);
    return (uintptr_t)job.data;
}

static uintptr_t steal_number(const struct deque_stealer *stealer)
{
    struct job job = {0};

    assert_int_equal(deque_steal(stealer, &job), STEAL_SUCCESS);
    assert_ptr_equal(job.run, nothing);
    return (uintptr_t)job.data;
}

static void init_allocates_1024_16_384(void **state)
{
    struct deque_stealer stealer;
    struct worker_deque d;
    struct zk_stats before;
    struct zk_stats more;

    (void)state;
    assert_int_equal(sizeof d, 32);
    assert_int_equal(sizeof stealer, 16);
    zk_stats(&before);
    deque_init(&d);
    stealer = deque_stealer(&d);
    more = allocated_since(&before);
    assert_int_equal(more.system_count, 3);
    assert_int_equal(more.system_bytes, 1024 + 16 + 384);
    assert_int_equal(d.buffer.capacity, 64);
    assert_true(zk_usable_size(d.buffer.slots) >= 1024);
    deque_deinit(&d);
    assert_true(deque_stealer_is_empty(&stealer)); /* it keeps the deque alive */
    deque_stealer_drop(&stealer);
}

static void back_for_the_owner_front_for_thieves(void **state)
{
    struct deque_stealer stealer;
    struct job job = numbered(77);
    struct worker_deque d;

    (void)state;
    deque_init(&d);
    stealer = deque_stealer(&d);
    assert_false(deque_pop(&d, &job));
    assert_int_equal(deque_steal(&stealer, &job), STEAL_EMPTY);
    assert_int_equal((uintptr_t)job.data, 77);
    for (uintptr_t i = 1; i <= 4; i++)
        deque_push(&d, numbered(i));
    assert_false(deque_stealer_is_empty(&stealer));
    assert_int_equal(steal_number(&stealer), 1);
    assert_int_equal(pop_number(&d), 4);
    assert_int_equal(steal_number(&stealer), 2);
    assert_int_equal(pop_number(&d), 3);
    assert_true(deque_stealer_is_empty(&stealer));
    assert_false(deque_pop(&d, &job));
    deque_deinit(&d);
    deque_stealer_drop(&stealer);
}

/* Checks whether the deque resizes at this moment, as it should, and what a resize allocates. */
static void check_resize(const struct worker_deque *d, const struct zk_stats *before,
                         size_t old_capacity, size_t capacity)
{
    struct zk_stats more = allocated_since(before);

    assert_int_equal(d->buffer.capacity, capacity);
    assert_int_equal(more.system_count, capacity == old_capacity ? 0 : 3);
    assert_int_equal(more.system_bytes,
                     capacity == old_capacity ? 0 : capacity * 16 + 16 + EPOCH_NODE_BYTES);
}

/* Pushes to depth 1000, and pops them all. */
static void grows_and_shrinks_by_the_rule(void **state)
{
    struct worker_deque d;
    size_t capacity = 64;
    struct zk_stats before;

    (void)state;
    epoch_pin(); /* creates this thread's record */
    epoch_unpin();
    deque_init(&d);
    for (size_t length = 0; length < 1000; length++) {
        size_t old_capacity = capacity;

        if (length == 64 || length == 128 || length == 256 || length == 512)
            capacity *= 2;
        zk_stats(&before);
        deque_push(&d, numbered(length));
        check_resize(&d, &before, old_capacity, capacity);
    }
    assert_int_equal(capacity, 1024);
    for (size_t left = 1000; left-- > 0;) {
        size_t old_capacity = capacity;

        if (left == 255 || left == 127 || left == 63 || left == 31)
            capacity /= 2;
        zk_stats(&before);
        assert_int_equal(pop_number(&d), left);
        check_resize(&d, &before, old_capacity, capacity);
    }
    assert_int_equal(capacity, 64);
    deque_deinit(&d);
}

static void does_as_an_array_does(void **state)
{
    static uintptr_t array[200000];
    uint64_t random = 88172645463325252;
    size_t front = 0;
    size_t back = 0;
    size_t capacity = 64;
    struct deque_stealer stealer;
    struct worker_deque d;
    struct job job;

    (void)state;
    deque_init(&d);
    stealer = deque_stealer(&d);
    for (uintptr_t i = 0; i < 200000; i++) {
        bool more_pushes = i / 4000 % 2 == 0; /* grows and shrinks in turns */
        uint64_t draw = next_random(&random) % 10;

        if (draw < (more_pushes ? 6 : 3)) {
            if (back - front == capacity)
                capacity *= 2;
            array[back++] = i;
            deque_push(&d, numbered(i));
        } else if (draw < 8 && back == front) {
            assert_false(deque_pop(&d, &job));
        } else if (draw < 8) {
            assert_int_equal(pop_number(&d), array[--back]);
            if (back != front && capacity > 64 && back - front < capacity / 4)
                capacity /= 2;
        } else if (back == front) {
            assert_int_equal(deque_steal(&stealer, &job), STEAL_EMPTY);
        } else {
            assert_int_equal(steal_number(&stealer), array[front++]);
        }
        assert_int_equal(d.buffer.capacity, capacity);
        assert_int_equal(deque_stealer_is_empty(&stealer), back == front);
    }
    deque_deinit(&d);
    deque_stealer_drop(&stealer);
}

static void retired_buffers_are_freed(void **state)
{
    struct worker_deque d;
    size_t before = 0;

    (void)state;
    deque_init(&d);
    for (unsigned round = 0; round < 600; round++) {
        if (round == 100)
            before = bytes_in_use();
        for (unsigned i = 0; i < LONGEST_BURST; i++)
            deque_push(&d, numbered(i));
        for (unsigned i = 0; i < LONGEST_BURST; i++)
            pop_number(&d);
    }
    assert_true(bytes_in_use() < before + 100000); /* 500 rounds retire 13 MB */
    deque_deinit(&d);
}

static struct {
    struct worker_deque d;
    pthread_barrier_t start;
    _Atomic bool done;
    /* Not atomic, so that ThreadSanitizer reports a job that is seen too early. */
    uintptr_t twin[JOBS];
    _Atomic unsigned char times[JOBS]; /* how often each job was taken */
} stress;

/* Counts a job that was taken; false if it is not what was pushed. */
static bool take(struct job job)
{
    uintptr_t number = (uintptr_t)job.data;

    if (number >= JOBS || job.run != nothing || stress.twin[number] != ~number)
        return false;
    atomic_fetch_add(&stress.times[number], 1);
    return true;
}

/* Returns NULL when all was well. Drops its stealer. */
static void *steal_all(void *arg)
{
    struct deque_stealer *stealer = arg;
    uintptr_t least = 0; /* jobs are pushed in order, so each thief sees them in order */
    unsigned in_vain = 0;
    void *wrong = NULL;

    pthread_barrier_wait(&stress.start);
    for (;;) {
        bool done = atomic_load(&stress.done);
        struct job job;
        enum steal result = deque_steal(stealer, &job);

        if (result == STEAL_SUCCESS) {
            if (!take(job) || (uintptr_t)job.data < least)
                wrong = "a wrong job, or one after a younger one";
            least = (uintptr_t)job.data + 1;
        } else if (result == STEAL_EMPTY && done) {
            break;
        } else if (++in_vain % 256 == 0) {
            sched_yield();
        }
    }
    deque_stealer_drop(stealer);
    return wrong;
}

/* Pushes all jobs in bursts, mostly of one or two, and pops a part of each. */
static bool own(void)
{
    uint64_t random = 2463534242;
    uintptr_t pushed = 0;
    bool right = true;
    struct job job;

    pthread_barrier_wait(&stress.start);
    while (pushed < JOBS) {
        uint64_t draw = next_random(&random);
        uint64_t burst = draw % 256 == 0 ? draw / 256 % LONGEST_BURST : 1 + draw / 256 % 2;
        uint64_t pops = next_random(&random) % (burst + 2);

        for (uint64_t i = 0; i < burst && pushed < JOBS; i++) {
            stress.twin[pushed] = ~pushed;
            deque_push(&stress.d, numbered(pushed++));
        }
        for (uint64_t i = 0; i < pops && deque_pop(&stress.d, &job); i++)
            right = take(job) && right;
    }
    return right;
}

static void stress_round(void)
{
    struct deque_stealer stealers[THIEVES];
    pthread_t thieves[THIEVES];

    atomic_store(&stress.done, false);
    for (unsigned i = 0; i < JOBS; i++)
        atomic_store(&stress.times[i], 0);
    deque_init(&stress.d);
    pthread_barrier_init(&stress.start, NULL, THIEVES + 1);
    for (unsigned i = 0; i < THIEVES; i++) {
        stealers[i] = deque_stealer(&stress.d);
        assert_int_equal(pthread_create(&thieves[i], NULL, steal_all, &stealers[i]), 0);
    }
    assert_true(own());
    atomic_store(&stress.done, true);
    deque_deinit(&stress.d); /* the last of the thieves frees the deque */
    for (unsigned i = 0; i < THIEVES; i++) {
        void *wrong;

        pthread_join(thieves[i], &wrong);
        assert_null(wrong);
    }
    pthread_barrier_destroy(&stress.start);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(atomic_load(&stress.times[i]), 1);
}

static void nothing_lost_or_doubled(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++)
        stress_round();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_allocates_1024_16_384),
        cmocka_unit_test(back_for_the_owner_front_for_thieves),
        cmocka_unit_test(grows_and_shrinks_by_the_rule),
        cmocka_unit_test(does_as_an_array_does),
        cmocka_unit_test(retired_buffers_are_freed),
        cmocka_unit_test(nothing_lost_or_doubled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
