/*
 * test_injector.c - the injector on the C library's memory (no phase begins): sizes, order, which
 * call allocates, what a push writes, and that no job is lost or run twice when threads meet.
 */
#include "models/injector.h"
#include "zkalloc.h"

#include "allocated.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOT_BYTES = 24, FIRST_SLOT = 8, DESTROY = 4 };
enum { PRODUCERS = 2, CONSUMERS = 2, JOBS_EACH = 100000 };

static void nothing(void *data)
{
    (void)data;
}

static struct job numbered(uintptr_t number)
{
    return (struct job){.data = (void *)number, .run = nothing};
}

static unsigned char *block_bytes(struct injector *q)
{
    return (unsigned char *)atomic_load(&q->tail.block);
}

/* Takes one job from a queue that has one and that nobody else uses. */
static uintptr_t steal_number(struct injector *q)
{
    struct job job = {0};

    assert_int_equal(injector_steal(q, &job), STEAL_SUCCESS);
    assert_ptr_equal(job.run, nothing);
    return (uintptr_t)job.data;
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct job), 16);
    assert_int_equal(sizeof(struct injector), 256);
    assert_int_equal(INJECTOR_BLOCK_BYTES, FIRST_SLOT + INJECTOR_BLOCK_JOBS * SLOT_BYTES);
}

static void init_allocates_one_block(void **state)
{
    struct zk_stats before;
    struct zk_stats more;
    struct injector q;

    (void)state;
    zk_stats(&before);
    injector_init(&q);
    more = allocated_since(&before);
    assert_int_equal(more.system_count, 1);
    assert_int_equal(more.system_bytes, 1520);
    assert_true(zk_usable_size(atomic_load(&q.head.block)) >= 1520);
    assert_ptr_equal(atomic_load(&q.head.block), atomic_load(&q.tail.block));
    injector_deinit(&q);
}

static void empty_leaves_the_job_alone(void **state)
{
    struct job job = numbered(7);
    struct injector q;

    (void)state;
    injector_init(&q);
    assert_true(injector_is_empty(&q));
    assert_int_equal(injector_steal(&q, &job), STEAL_EMPTY);
    assert_int_equal((uintptr_t)job.data, 7);
    injector_push(&q, numbered(8));
    assert_false(injector_is_empty(&q));
    assert_int_equal(steal_number(&q), 8);
    assert_true(injector_is_empty(&q));
    injector_deinit(&q);
}

static void first_in_first_out(void **state)
{
    struct injector q;
    uintptr_t in = 0;
    uintptr_t out = 0;

    (void)state;
    injector_init(&q);
    for (unsigned round = 0; round < 400; round++) { /* the queue grows by 1 a round */
        for (unsigned i = 0; i < 7; i++)
            injector_push(&q, numbered(in++));
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(steal_number(&q), out++);
    }
    while (out < in)
        assert_int_equal(steal_number(&q), out++);
    assert_true(injector_is_empty(&q));
    injector_deinit(&q);
}

static void push_of_slot_62_allocates(void **state)
{
    struct injector q;

    (void)state;
    injector_init(&q);
    for (unsigned i = 0; i < 5 * INJECTOR_BLOCK_JOBS; i++) {
        bool last_slot = i % INJECTOR_BLOCK_JOBS == 62;
        void *old = block_bytes(&q);
        struct zk_stats before;
        struct zk_stats more;

        zk_stats(&before);
        injector_push(&q, numbered(i));
        more = allocated_since(&before);
        assert_int_equal(more.system_count, last_slot ? 1 : 0);
        assert_int_equal(more.system_bytes, last_slot ? 1520 : 0);
        assert_int_equal(block_bytes(&q) != old, last_slot);
    }
    for (unsigned i = 0; i < 5 * INJECTOR_BLOCK_JOBS; i++)
        assert_int_equal(steal_number(&q), i);
    injector_deinit(&q);
}

/* In memory that is no longer a block (here: a pattern whose WRITE bit is clear), a push changes
 * one run of 17 bytes. */
static void push_writes_17_bytes(void **state)
{
    unsigned char before[INJECTOR_BLOCK_BYTES];
    struct injector q;

    (void)state;
    injector_init(&q);
    memset(block_bytes(&q), 0x5a, INJECTOR_BLOCK_BYTES);
    for (unsigned i = 0; i < 62; i++) {
        const unsigned char *after = block_bytes(&q);
        size_t slot = FIRST_SLOT + i * (size_t)SLOT_BYTES;
        struct job job;

        memset(&job, 0xa5, sizeof job);
        memcpy(before, after, sizeof before);
        injector_push(&q, job);
        for (size_t at = 0; at < sizeof before; at++) {
            if (at >= slot && at < slot + 16)
                assert_int_equal(after[at], 0xa5);
            else if (at == slot + 16)
                assert_int_equal(after[at], 0x5a | 1);
            else
                assert_int_equal(after[at], before[at]);
        }
    }
    injector_deinit(&q);
}

static void deinit_frees_blocks_in_use(void **state)
{
    (void)state;
    for (unsigned jobs = 0; jobs < 200; jobs++) {
        struct injector q;

        injector_init(&q);
        for (unsigned i = 0; i < jobs; i++)
            injector_push(&q, numbered(i));
        for (unsigned i = 0; i < jobs / 3; i++)
            assert_int_equal(steal_number(&q), i);
        injector_deinit(&q); /* AddressSanitizer reports too many frees, or too few */
    }
}

static void *steal_one(void *arg)
{
    struct job job = {0};

    while (injector_steal(arg, &job) != STEAL_SUCCESS)
        sched_yield();
    return job.data;
}

/* One reader is still at slot 0 while another takes slot 62: the block must stay until the first is
 * done, and be freed then. The test pushes to slot 0 by hand, in two halves. */
static void slow_reader_frees_the_block(void **state)
{
    struct job job = numbered(1000);
    struct injector q;
    unsigned char *block;
    _Atomic size_t *slot_state;
    pthread_t reader;
    void *got;

    (void)state;
    injector_init(&q);
    block = block_bytes(&q);
    slot_state = (_Atomic size_t *)(void *)(block + FIRST_SLOT + sizeof job);
    atomic_fetch_add(&q.tail.index, 2); /* claims slot 0, without writing it */
    for (unsigned i = 1; i <= 62; i++)
        injector_push(&q, numbered(i));
    assert_int_equal(pthread_create(&reader, NULL, steal_one, &q), 0);
    while (atomic_load(&q.head.index) == 0)
        sched_yield();
    for (unsigned i = 1; i <= 62; i++)
        assert_int_equal(steal_number(&q), i);
    assert_int_equal(atomic_load(slot_state), DESTROY);
    memcpy(block + FIRST_SLOT, &job, sizeof job);
    atomic_fetch_or(slot_state, 1);
    pthread_join(reader, &got);
    assert_int_equal((uintptr_t)got, 1000);
    injector_push(&q, numbered(63));
    assert_int_equal(steal_number(&q), 63);
    injector_deinit(&q);
}

static struct {
    struct injector q;
    _Atomic unsigned taken;
    _Atomic unsigned char times[PRODUCERS * JOBS_EACH]; /* how often each job was taken */
} stress;

static void *produce(void *arg)
{
    uintptr_t first = (uintptr_t)arg * JOBS_EACH;

    for (uintptr_t i = 0; i < JOBS_EACH; i++)
        injector_push(&stress.q, numbered(first + i));
    return NULL;
}

/* Returns NULL when all was well. */
static void *consume(void *arg)
{
    uintptr_t next[PRODUCERS] = {0}; /* the lowest number that may follow from each producer */

    (void)arg;
    while (atomic_load(&stress.taken) < PRODUCERS * JOBS_EACH) {
        struct job job;
        uintptr_t number;

        if (injector_steal(&stress.q, &job) != STEAL_SUCCESS) {
            sched_yield();
            continue;
        }
        number = (uintptr_t)job.data;
        if (number % JOBS_EACH < next[number / JOBS_EACH])
            return "a job came after a younger one";
        next[number / JOBS_EACH] = number % JOBS_EACH + 1;
        atomic_fetch_add(&stress.times[number], 1);
        atomic_fetch_add(&stress.taken, 1);
    }
    return NULL;
}

static void nothing_lost_or_doubled(void **state)
{
    pthread_t threads[PRODUCERS + CONSUMERS];

    (void)state;
    injector_init(&stress.q);
    for (uintptr_t i = 0; i < PRODUCERS + CONSUMERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, (void *)i), 0);
    for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    for (unsigned i = 0; i < PRODUCERS * JOBS_EACH; i++)
        assert_int_equal(atomic_load(&stress.times[i]), 1);
    assert_true(injector_is_empty(&stress.q));
    injector_deinit(&stress.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(init_allocates_one_block),
        cmocka_unit_test(empty_leaves_the_job_alone),
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(push_of_slot_62_allocates),
        cmocka_unit_test(push_writes_17_bytes),
        cmocka_unit_test(deinit_frees_blocks_in_use),
        cmocka_unit_test(slow_reader_frees_the_block),
        cmocka_unit_test(nothing_lost_or_doubled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
