/*
 * test_virtual_object.c - the block, the methods, and what they return when the block is
 * overwritten.
 */
#include "models/virtual_object.h"
#include "zkalloc.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void block_is_fields_alone(void **state)
{
    (void)state;
    for (size_t payload = 64; payload <= 1 << 20; payload *= 2) {
        struct virtual_object object;
        struct zk_stats before;
        struct zk_stats after;

        zk_stats(&before);
        assert_int_equal(virtual_object_init(&object, payload, 3, 42), 0);
        zk_stats(&after);
        assert_int_equal(after.system_count - before.system_count, 2);
        assert_int_equal(after.system_bytes - before.system_bytes, 16 + payload + 8);
        assert_int_equal(virtual_object_block_bytes(&object), 16 + payload);
        assert_true(zk_usable_size(object.data) >= 16 + payload);
        assert_int_equal(virtual_object_payload_sum(&object), 3 * payload);
        virtual_object_deinit(&object);
        assert_null(object.data);
    }
}

static void there_is_no_type_of_another_size(void **state)
{
    const size_t none[] = {0, 1, 63, 65, 100, 4097, 2 << 20};
    struct virtual_object object;

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        errno = 0;
        assert_int_equal(virtual_object_init(&object, none[i], 0, 0), -1);
        assert_int_equal(errno, EINVAL);
    }
}

static void methods_read_the_fields(void **state)
{
    struct virtual_object object;
    uint64_t bumps = virtual_object_bumps();

    (void)state;
    assert_int_equal(virtual_object_init(&object, 4096, 0xC3, 0x0123456789ABCDEF), 0);
    assert_true(virtual_object_sentinel(&object) == 0x0123456789ABCDEF);
    assert_true(virtual_object_chase(&object) == ~(uint64_t)0x0123456789ABCDEF);
    assert_int_equal(virtual_object_payload_sum(&object), 4096 * 0xC3);
    virtual_object_bump(&object);
    virtual_object_bump(&object);
    assert_int_equal(virtual_object_bumps() - bumps, 2);
    virtual_object_deinit(&object);
}

/* The status of a child that runs body(object). */
static int status_of(void (*body)(const struct virtual_object *),
                     const struct virtual_object *object)
{
    pid_t child = fork();
    int status;

    assert_int_not_equal(child, -1);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka has a handler of its own */
        close(STDERR_FILENO);     /* hides a sanitizer's report */
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        body(object);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void write_to_table(const struct virtual_object *object)
{
    *(volatile unsigned char *)(uintptr_t)object->table = 0;
}

static void chase(const struct virtual_object *object)
{
    virtual_object_chase(object);
}

/* Died of the signal, or was ended by a sanitizer that detected the access first. */
static void assert_died(int status)
{
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
}

static void table_is_read_only(void **state)
{
    struct virtual_object object;

    (void)state;
    assert_int_equal(virtual_object_init(&object, 64, 0, 0), 0);
    assert_int_equal(status_of(chase, &object), 0);
    assert_died(status_of(write_to_table, &object));
    virtual_object_deinit(&object);
}

static void filler_changes_data_and_not_dispatch(void **state)
{
    const unsigned char fillers[] = {0x55, 0xAA};
    struct virtual_object object;
    uint64_t bumps = virtual_object_bumps();
    uint64_t *number;

    (void)state;
    assert_int_equal(virtual_object_init(&object, 8192, 1, 7), 0);
    memcpy(&number, (char *)object.data + 8, sizeof number);
    for (unsigned i = 0; i < 2; i++) {
        memset(object.data, fillers[i], virtual_object_block_bytes(&object));
        assert_true(virtual_object_sentinel(&object) == fillers[i] * 0x0101010101010101u);
        assert_int_equal(virtual_object_payload_sum(&object), 8192 * fillers[i]);
        virtual_object_bump(&object);
        assert_died(status_of(chase, &object));
    }
    assert_int_equal(virtual_object_bumps() - bumps, 2);
    memcpy((char *)object.data + 8, &number, sizeof number);
    virtual_object_deinit(&object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_fields_alone),
        cmocka_unit_test(there_is_no_type_of_another_size),
        cmocka_unit_test(methods_read_the_fields),
        cmocka_unit_test(table_is_read_only),
        cmocka_unit_test(filler_changes_data_and_not_dispatch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
