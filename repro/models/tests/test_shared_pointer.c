/*
 * test_shared_pointer.c - the size of the shared pointer model, its counts, and when it frees.
 */
#include "models/shared_pointer.h"
#include "zkalloc.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAYLOAD_BYTES = 16384, THREADS = 4, ROUNDS = 50000 };

static unsigned char payload[PAYLOAD_BYTES];

static struct shared_pointer *new_pointer(void)
{
    struct shared_pointer *pointer;

    memset(payload, 0x11, sizeof payload);
    pointer = shared_pointer_new(payload, sizeof payload);
    assert_non_null(pointer);
    return pointer;
}

/* The status of a child that runs body(pointer), and is stopped after 0.3 s of processor time. */
static int status_of(void (*body)(struct shared_pointer *), struct shared_pointer *pointer)
{
    const struct itimerval limit = {.it_value = {.tv_usec = 300000}};
    pid_t child = fork();
    int status;

    assert_int_not_equal(child, -1);
    if (child == 0) {
        signal(SIGILL, SIG_DFL); /* cmocka has handlers of its own */
        signal(SIGTRAP, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        setitimer(ITIMER_PROF, &limit, NULL);
        body(pointer);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void block_is_counts_and_payload(void **state)
{
    struct zk_stats before;
    struct zk_stats after;
    struct shared_pointer *pointer;

    (void)state;
    zk_stats(&before);
    pointer = new_pointer();
    zk_stats(&after);
    assert_int_equal(after.system_count - before.system_count, 1);
    assert_int_equal(after.system_bytes - before.system_bytes, 16400);
    assert_int_equal(shared_pointer_block_bytes(PAYLOAD_BYTES), 16400);
    assert_int_equal(shared_pointer_block_bytes(497), 520); /* as Arc<[u8]> asks for */
    assert_int_equal(shared_pointer_block_bytes(504), 520);
    assert_int_equal(shared_pointer_block_bytes(505), 528);
    assert_int_equal((char *)pointer->payload - (char *)pointer, 16);
    assert_int_equal((char *)&pointer->strong - (char *)pointer, 0);
    assert_int_equal((char *)&pointer->weak - (char *)pointer, 8);
    assert_memory_equal(pointer->payload, payload, PAYLOAD_BYTES);
    shared_pointer_drop(pointer);
}

static void counts_follow_the_pointers(void **state)
{
    struct shared_pointer *pointer = new_pointer();
    struct shared_pointer_weak weak;
    struct shared_pointer_weak other;

    (void)state;
    assert_int_equal(shared_pointer_strong_count(pointer), 1);
    assert_int_equal(shared_pointer_weak_count(pointer), 0);
    assert_ptr_equal(shared_pointer_clone(pointer), pointer);
    weak = shared_pointer_downgrade(pointer);
    other = shared_pointer_weak_clone(weak);
    assert_int_equal(shared_pointer_strong_count(pointer), 2);
    assert_int_equal(shared_pointer_weak_count(pointer), 2);
    assert_ptr_equal(shared_pointer_upgrade(weak), pointer);
    assert_int_equal(shared_pointer_strong_count(pointer), 3);
    for (unsigned i = 0; i < 3; i++)
        shared_pointer_drop(pointer);
    assert_null(
        shared_pointer_upgrade(other)); /* the block is still there, the payload has ended */
    assert_int_equal(shared_pointer_strong_count(other.block), 0);
    shared_pointer_weak_drop(weak);
    shared_pointer_weak_drop(other); /* frees the block: LeakSanitizer would tell */
}

static void zero_payload_when_none_is_given(void **state)
{
    struct shared_pointer *pointer = shared_pointer_new(NULL, 100);

    (void)state;
    assert_non_null(pointer);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(pointer->payload[i], 0);
    shared_pointer_drop(pointer);
    errno = 0;
    assert_null(shared_pointer_new(NULL, PTRDIFF_MAX));
    assert_int_equal(errno, ENOMEM);
}

struct crowd {
    struct shared_pointer *pointer;
    pthread_barrier_t start;
    _Atomic unsigned damaged;
};

static void use(struct crowd *crowd, struct shared_pointer *pointer)
{
    if (pointer->payload[0] != 0x11 || pointer->payload[PAYLOAD_BYTES - 1] != 0x11)
        atomic_fetch_add(&crowd->damaged, 1);
}

/* Drops the strong pointer that was made for this thread, at the same time as the others. */
static void *count_up_and_down(void *arg)
{
    struct crowd *crowd = arg;
    struct shared_pointer_weak weak = shared_pointer_downgrade(crowd->pointer);

    pthread_barrier_wait(&crowd->start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct shared_pointer *clone = shared_pointer_clone(crowd->pointer);
        struct shared_pointer *upgraded = shared_pointer_upgrade(weak);
        struct shared_pointer_weak more = shared_pointer_weak_clone(weak);

        use(crowd, clone);
        shared_pointer_drop(clone);
        use(crowd, upgraded);
        shared_pointer_drop(upgraded);
        shared_pointer_weak_drop(more);
    }
    shared_pointer_weak_drop(weak);
    shared_pointer_drop(crowd->pointer);
    return NULL;
}

static void *read_and_drop(void *arg)
{
    struct crowd *crowd = arg;

    pthread_barrier_wait(&crowd->start);
    use(crowd, crowd->pointer);
    shared_pointer_drop(crowd->pointer);
    return NULL;
}

/* The thread that drops last frees what the others have read. */
static void any_thread_may_be_the_last(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct crowd crowd = {.pointer = new_pointer()};
        pthread_t threads[THREADS];

        pthread_barrier_init(&crowd.start, NULL, THREADS);
        for (unsigned i = 0; i < THREADS; i++) {
            if (i > 0)
                shared_pointer_clone(crowd.pointer);
            assert_int_equal(pthread_create(&threads[i], NULL, read_and_drop, &crowd), 0);
        }
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(crowd.damaged, 0);
        pthread_barrier_destroy(&crowd.start);
    }
}

static void counts_are_exact_with_four_threads(void **state)
{
    struct crowd crowd = {.pointer = new_pointer()};
    struct shared_pointer_weak weak = shared_pointer_downgrade(crowd.pointer);
    pthread_t threads[THREADS];

    (void)state;
    pthread_barrier_init(&crowd.start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        shared_pointer_clone(crowd.pointer);
        assert_int_equal(pthread_create(&threads[i], NULL, count_up_and_down, &crowd), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.damaged, 0);
    assert_int_equal(shared_pointer_strong_count(crowd.pointer), 1);
    assert_int_equal(shared_pointer_weak_count(crowd.pointer), 1);
    shared_pointer_drop(crowd.pointer);
    assert_null(shared_pointer_upgrade(weak));
    shared_pointer_weak_drop(weak);
    pthread_barrier_destroy(&crowd.start);
}

static void clone_it(struct shared_pointer *pointer)
{
    shared_pointer_clone(pointer);
}

static void downgrade_it(struct shared_pointer *pointer)
{
    shared_pointer_downgrade(pointer);
}

static void upgrade_it(struct shared_pointer *pointer)
{
    shared_pointer_upgrade((struct shared_pointer_weak){pointer});
}

static void assert_trapped(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_true(WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP);
}

static void filler_in_the_counts_acts_as_in_arc(void **state)
{
    struct shared_pointer *pointer = new_pointer();

    (void)state;
    memset(pointer, 0x55, 16);
    assert_true(shared_pointer_strong_count(pointer) == 0x5555555555555555);
    shared_pointer_clone(pointer);
    assert_true(shared_pointer_strong_count(pointer) == 0x5555555555555556);
    shared_pointer_drop(pointer);
    shared_pointer_drop(pointer);
    assert_true(shared_pointer_strong_count(pointer) == 0x5555555555555554);
    assert_true(shared_pointer_weak_count(pointer) == 0x5555555555555554);
    memset(pointer, 0xAA, 16);
    assert_trapped(status_of(clone_it, pointer));
    assert_trapped(status_of(downgrade_it, pointer));
    assert_trapped(status_of(upgrade_it, pointer));
    zk_free(pointer);
}

static void the_limit_is_ptrdiff_max(void **state)
{
    struct shared_pointer *pointer = new_pointer();
    int status;

    (void)state;
    atomic_store(&pointer->strong, PTRDIFF_MAX);
    assert_int_equal(status_of(clone_it, pointer), 0);
    atomic_store(&pointer->strong, (size_t)PTRDIFF_MAX + 1);
    assert_trapped(status_of(clone_it, pointer));
    atomic_store(&pointer->strong, 1);
    atomic_store(&pointer->weak, SIZE_MAX);
    assert_int_equal(shared_pointer_weak_count(pointer), 0);
    status = status_of(downgrade_it, pointer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF);
    atomic_store(&pointer->weak, 1);
    shared_pointer_drop(pointer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_counts_and_payload),
        cmocka_unit_test(counts_follow_the_pointers),
        cmocka_unit_test(zero_payload_when_none_is_given),
        cmocka_unit_test(counts_are_exact_with_four_threads),
        cmocka_unit_test(any_thread_may_be_the_last),
        cmocka_unit_test(filler_in_the_counts_acts_as_in_arc),
        cmocka_unit_test(the_limit_is_ptrdiff_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
