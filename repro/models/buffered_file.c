/*
 * buffered_file.c - Rust's BufWriter and BufReader: see buffered_file.h for what they are faithful
 * to.
 *
 * buffer.length <= buffer.capacity, position <= filled <= capacity; the block never moves.
 */
#include "buffered_file.h"

#include "zkalloc.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- Writer ---- */

int buffered_writer_init(struct buffered_writer *writer, int file, size_t capacity)
{
    writer->file = file;
    return vector_init_with_capacity(&writer->buffer, 1, capacity);
}

/* Writes as much as it can, and returns how much that was. errno has the error. */
static size_t write_out(int file, const unsigned char *data, size_t bytes)
{
    size_t written = 0;

    while (written < bytes) {
        ssize_t count = write(file, data + written, bytes - written);

        if (count > 0)
            written += (size_t)count;
        else if (count == 0 || errno != EINTR)
            break;
    }
    return written;
}

int buffered_writer_flush(struct buffered_writer *writer)
{
    struct vector *buffer = &writer->buffer;
    size_t written = write_out(writer->file, buffer->data, buffer->length);

    buffer->length -= written;
    memmove(buffer->data, (unsigned char *)buffer->data + written, buffer->length);
    return buffer->length == 0 ? 0 : -1;
}

int buffered_writer_write(struct buffered_writer *writer, const void *data, size_t bytes)
{
    struct vector *buffer = &writer->buffer;

    if (bytes > buffer->capacity - buffer->length && buffered_writer_flush(writer) != 0)
        return -1;
    if (bytes >= buffer->capacity)
        return write_out(writer->file, data, bytes) == bytes ? 0 : -1;
    return vector_extend(buffer, 1, data, bytes);
}

void buffered_writer_deinit(struct buffered_writer *writer)
{
    (void)buffered_writer_flush(writer);
    vector_deinit(&writer->buffer);
}

/* ---- Reader ---- */

int buffered_reader_init(struct buffered_reader *reader, int file, size_t capacity)
{
    *reader =
        (struct buffered_reader){.file = file, .buffer = zk_malloc(capacity), .capacity = capacity};
    return reader->buffer == NULL ? -1 : 0;
}

static ssize_t read_some(int file, void *data, size_t bytes)
{
    ssize_t count;

    do
        count = read(file, data, bytes);
    while (count < 0 && errno == EINTR);
    return count;
}

/* One step of a read: copies what is in the block, or reads from the file once. */
static ssize_t read_step(struct buffered_reader *reader, void *data, size_t bytes)
{
    ssize_t count;

    if (reader->position == reader->filled) {
        if (bytes >= reader->capacity)
            return read_some(reader->file, data, bytes);
        count = read_some(reader->file, reader->buffer, reader->capacity);
        if (count <= 0)
            return count;
        reader->position = 0;
        reader->filled = (size_t)count;
    }
    if (bytes > reader->filled - reader->position)
        bytes = reader->filled - reader->position;
    memcpy(data, reader->buffer + reader->position, bytes);
    reader->position += bytes;
    return (ssize_t)bytes;
}

ptrdiff_t buffered_reader_read(struct buffered_reader *reader, void *data, size_t bytes)
{
    size_t got = 0;

    while (got < bytes) {
        ssize_t count = read_step(reader, (unsigned char *)data + got, bytes - got);

        if (count < 0)
            return -1;
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return (ptrdiff_t)got;
}

void buffered_reader_deinit(struct buffered_reader *reader)
{
    zk_free(reader->buffer);
    *reader = (struct buffered_reader){.file = -1};
}
