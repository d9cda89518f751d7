/*
 * test_buffered_file.c - when the models of a buffered writer and reader allocate, write and read
 * what, on the ordinary allocator.
 */
#include "allocated.h"
#include "models/buffered_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int open_file(void)
{
    FILE *file = tmpfile();
    int descriptor;

    assert_non_null(file);
    descriptor = dup(fileno(file));
    fclose(file);
    assert_true(descriptor >= 0);
    return descriptor;
}

static off_t size_of(int file)
{
    struct stat status;

    assert_int_equal(fstat(file, &status), 0);
    return status.st_size;
}

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 7 + i / 251);
}

static void one_block_each_and_no_more(void **state)
{
    struct zk_stats before = allocated_so_far();
    struct buffered_writer writer;
    struct buffered_reader reader;
    int file = open_file();
    unsigned char line[100] = {0};

    (void)state;
    assert_int_equal(buffered_writer_init(&writer, file, BUFFERED_FILE_BYTES), 0);
    assert_int_equal(allocated_since(&before).system_count, 1);
    assert_int_equal(allocated_since(&before).system_bytes, 8192);
    before = allocated_so_far();
    assert_int_equal(buffered_reader_init(&reader, file, BUFFERED_FILE_BYTES), 0);
    assert_int_equal(allocated_since(&before).system_bytes, 8192);
    before = allocated_so_far();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(buffered_writer_write(&writer, line, sizeof line), 0);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    while (buffered_reader_read(&reader, line, sizeof line) == sizeof line)
        continue;
    assert_int_equal(allocated_since(&before).system_count, 0);
    buffered_writer_deinit(&writer);
    buffered_reader_deinit(&reader);
    close(file);
}

/* Each step: the size of a write, and how many bytes are in the file after it. */
static void writes_out_when_it_must(void **state)
{
    static const struct {
        size_t bytes;
        off_t in_file; /* after the write */
    } steps[] = {{40, 0},   {60, 0} /* full, and kept */,    {1, 100},   {99, 100}, {0, 100},
                 {50, 200}, {100, 350} /* past the block */, {250, 600}, {99, 600}, {2, 699}};
    struct buffered_writer writer;
    int file = open_file();
    unsigned char data[256];
    unsigned char got[701];
    size_t total = 0;

    (void)state;
    assert_int_equal(buffered_writer_init(&writer, file, 100), 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (size_t j = 0; j < steps[i].bytes; j++)
            data[j] = byte_at(total + j);
        assert_int_equal(buffered_writer_write(&writer, data, steps[i].bytes), 0);
        total += steps[i].bytes;
        assert_int_equal(size_of(file), steps[i].in_file);
    }
    assert_int_equal(buffered_writer_flush(&writer), 0);
    assert_int_equal(total, sizeof got);
    assert_int_equal(pread(file, got, sizeof got, 0), sizeof got);
    for (size_t i = 0; i < total; i++)
        assert_int_equal(got[i], byte_at(i));
    buffered_writer_deinit(&writer);
    close(file);
}

static void the_end_writes_out(void **state)
{
    struct buffered_writer writer;
    int file = open_file();

    (void)state;
    assert_int_equal(buffered_writer_init(&writer, file, 100), 0);
    assert_int_equal(buffered_writer_write(&writer, "abc", 3), 0);
    assert_int_equal(size_of(file), 0);
    buffered_writer_deinit(&writer);
    assert_int_equal(size_of(file), 3);
    close(file);
}

static void an_error_keeps_what_is_in_the_block(void **state)
{
    struct buffered_writer writer;
    int file = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    if (file < 0)
        skip();
    assert_int_equal(buffered_writer_init(&writer, file, 100), 0);
    assert_int_equal(buffered_writer_write(&writer, "abc", 3), 0);
    errno = 0;
    assert_int_equal(buffered_writer_flush(&writer), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(writer.buffer.length, 3);
    assert_memory_equal(writer.buffer.data, "abc", 3);
    close(file);
    buffered_writer_deinit(&writer);
}

static void reads_ahead_by_a_block(void **state)
{
    struct buffered_reader reader;
    int file = open_file();
    unsigned char data[1000];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = byte_at(i);
    assert_int_equal(write(file, data, sizeof data), sizeof data);
    for (size_t step = 1; step < 300; step += 13) {
        size_t at = 0;

        assert_int_equal(lseek(file, 0, SEEK_SET), 0);
        assert_int_equal(buffered_reader_init(&reader, file, 128), 0);
        while (at < sizeof data) {
            ptrdiff_t count = buffered_reader_read(&reader, data, step);

            assert_int_equal(count, at + step <= sizeof data ? step : sizeof data - at);
            for (ptrdiff_t i = 0; i < count; i++)
                assert_int_equal(data[i], byte_at(at + (size_t)i));
            at += (size_t)count;
            if (at == step && step >= 128) /* past the block */
                assert_int_equal(lseek(file, 0, SEEK_CUR), step);
            if (at < 128 && step < 128)
                assert_int_equal(lseek(file, 0, SEEK_CUR), 128);
        }
        assert_int_equal(buffered_reader_read(&reader, data, step), 0);
        buffered_reader_deinit(&reader);
    }
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_block_each_and_no_more),
        cmocka_unit_test(writes_out_when_it_must),
        cmocka_unit_test(the_end_writes_out),
        cmocka_unit_test(an_error_keeps_what_is_in_the_block),
        cmocka_unit_test(reads_ahead_by_a_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
