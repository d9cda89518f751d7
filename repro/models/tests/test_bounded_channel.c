/*
 * test_bounded_channel.c - sizes, order, laps and waiting of the bounded channel model, on the
 * ordinary allocator. Sizes are those of crossbeam-channel 0.5.6 and of std of Rust 1.95.
 */
#include "allocated.h"
#include "models/bounded_channel.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void sizes_are_the_real_ones(void **state)
{
    struct zk_stats before = allocated_so_far();
    struct bounded_channel *channel = bounded_channel_create(4, sizeof(uint64_t));

    (void)state;
    assert_non_null(channel);
    assert_int_equal(allocated_since(&before).system_count, 2);
    assert_int_equal(allocated_since(&before).system_bytes, 640 + 64);
    bounded_channel_destroy(channel);
    assert_int_equal(bounded_channel_ring_bytes(4, 1), 64); /* rounded up to the stamp */
    assert_int_equal(bounded_channel_ring_bytes(256, 8), 4096);
    assert_int_equal(bounded_channel_ring_bytes(255, 8), 4080);
    assert_int_equal(bounded_channel_ring_bytes(10, 48), 560);
}

static void a_send_allocates_nothing(void **state)
{
    struct bounded_channel *channel = bounded_channel_create(7, sizeof(uint64_t));
    struct zk_stats before = allocated_so_far();
    uint64_t got;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) { /* some 143 laps */
        assert_true(bounded_channel_send(channel, &i));
        assert_true(bounded_channel_receive(channel, &got));
        assert_int_equal(got, i);
    }
    assert_int_equal(allocated_since(&before).system_count, 0);
    bounded_channel_destroy(channel);
}

static void order_is_kept_to_the_last_slot(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity <= 9; capacity++) {
        struct bounded_channel *channel = bounded_channel_create(capacity, 3);
        unsigned char message[3];

        for (unsigned lap = 0; lap < 5; lap++) {
            for (size_t i = 0; i < capacity; i++) {
                memset(message, (int)(lap * 16 + i), sizeof message);
                assert_true(bounded_channel_send(channel, message));
            }
            for (size_t i = 0; i < capacity; i++) {
                assert_true(bounded_channel_receive(channel, message));
                assert_int_equal(message[0], lap * 16 + i);
                assert_int_equal(message[2], lap * 16 + i);
            }
        }
        bounded_channel_destroy(channel);
    }
}

static void a_disconnected_channel_is_emptied(void **state)
{
    struct bounded_channel *channel = bounded_channel_create(4, sizeof(uint64_t));
    uint64_t value = 7;

    (void)state;
    assert_true(bounded_channel_send(channel, &value));
    bounded_channel_disconnect(channel);
    assert_false(bounded_channel_send(channel, &value));
    value = 0;
    assert_true(bounded_channel_receive(channel, &value));
    assert_int_equal(value, 7);
    assert_false(bounded_channel_receive(channel, &value));
    bounded_channel_destroy(channel);
}

enum { producers = 2, consumers = 2, each = 3000 };

struct shared {
    struct bounded_channel *channel;
    _Atomic uint64_t sum;
    _Atomic unsigned received;
};

static void *produce(void *arg)
{
    struct shared *shared = arg;

    for (uint64_t i = 1; i <= each; i++)
        bounded_channel_send(shared->channel, &i);
    return NULL;
}

static void *consume(void *arg)
{
    struct shared *shared = arg;
    uint64_t value;

    while (bounded_channel_receive(shared->channel, &value)) {
        shared->sum += value;
        shared->received++;
    }
    return NULL;
}

/* Senders and receivers both have to wait: the ring is far smaller than what goes through it. */
static void nothing_is_lost_between_threads(void **state)
{
    struct shared shared = {.channel = bounded_channel_create(16, sizeof(uint64_t))};
    pthread_t threads[producers + consumers];

    (void)state;
    for (int i = 0; i < producers + consumers; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < producers ? produce : consume, &shared), 0);
    for (int i = 0; i < producers; i++)
        pthread_join(threads[i], NULL);
    bounded_channel_disconnect(shared.channel);
    for (int i = producers; i < producers + consumers; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.received, producers * each);
    assert_int_equal(shared.sum, (uint64_t)producers * each * (each + 1) / 2);
    bounded_channel_destroy(shared.channel);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_null(bounded_channel_create(SIZE_MAX / 8, 8));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(bounded_channel_create(1, SIZE_MAX));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_null(bounded_channel_create((size_t)PTRDIFF_MAX / 16 + 1, 8));
    assert_int_equal(errno, ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_real_ones),
        cmocka_unit_test(a_send_allocates_nothing),
        cmocka_unit_test(order_is_kept_to_the_last_slot),
        cmocka_unit_test(a_disconnected_channel_is_emptied),
        cmocka_unit_test(nothing_is_lost_between_threads),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
