/*
 * bytes.c - proofs as bytes.
 */
#include "bytes.h"

#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum { capacity_least = 1024, number_bytes = 8, element_bytes = 4 };

/* Room for `count` more bytes. */
static uint8_t *extend(struct bytes_writer *writer, size_t count)
{
    uint8_t *end;

    if (count > writer->capacity - writer->bytes) {
        size_t capacity = writer->capacity == 0 ? capacity_least : 2 * writer->capacity;
        uint8_t *data;

        while (capacity - writer->bytes < count)
            capacity *= 2;
        data = workload_alloc(capacity);
        watch_block(WATCH_PROOF, data, capacity);
        if (writer->bytes > 0)
            memcpy(data, writer->data, writer->bytes);
        free(writer->data);
        writer->data = data;
        writer->capacity = capacity;
    }
    end = writer->data + writer->bytes;
    writer->bytes += count;
    return end;
}

static void store(uint8_t *bytes, uint64_t number, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t load(const uint8_t *bytes, unsigned count)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < count; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    return number;
}

void bytes_put(struct bytes_writer *writer, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(extend(writer, count), bytes, count);
}

void bytes_put_number(struct bytes_writer *writer, uint64_t number)
{
    store(extend(writer, number_bytes), number, number_bytes);
}

void bytes_put_elements(struct bytes_writer *writer, const uint32_t *elements, size_t count)
{
    uint8_t *to = extend(writer, count * element_bytes);

    for (size_t i = 0; i < count; i++)
        store(to + i * element_bytes, elements[i], element_bytes);
}

void bytes_put_extensions(struct bytes_writer *writer, const struct extension *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes_put_elements(writer, values[i].c, EXTENSION_DEGREE);
}

void bytes_put_hashes(struct bytes_writer *writer, const struct hash *hashes, size_t count)
{
    bytes_put(writer, hashes, count * sizeof *hashes);
}

/* The next `count` bytes, or NULL. */
static const uint8_t *take(struct bytes_reader *reader, size_t count)
{
    const uint8_t *start;

    if (reader->failed || count > reader->bytes - reader->position) {
        reader->failed = true;
        return NULL;
    }
    start = reader->data + reader->position;
    reader->position += count;
    return start;
}

uint64_t bytes_get_number(struct bytes_reader *reader)
{
    const uint8_t *from = take(reader, number_bytes);

    return from == NULL ? 0 : load(from, number_bytes);
}

static uint32_t get_element(struct bytes_reader *reader, const struct field31 *field)
{
    const uint8_t *from = take(reader, element_bytes);
    const uint32_t element = from == NULL ? 0 : (uint32_t)load(from, element_bytes);

    if (element < field->modulus)
        return element;
    if (reader->reduces)
        return element % field->modulus; // NOLINT(clang-analyzer-core.DivideZero): no field's is 0
    reader->failed = true;
    return 0;
}

void bytes_get_elements(struct bytes_reader *reader, const struct field31 *field,
                        uint32_t *elements, size_t count)
{
    for (size_t i = 0; i < count; i++)
        elements[i] = get_element(reader, field);
}

void bytes_get_extensions(struct bytes_reader *reader, const struct field31 *field,
                          struct extension *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes_get_elements(reader, field, values[i].c, EXTENSION_DEGREE);
}

void bytes_get_hashes(struct bytes_reader *reader, struct hash *hashes, size_t count)
{
    const uint8_t *from = take(reader, count * sizeof *hashes);

    if (from == NULL)
        memset(hashes, 0, count * sizeof *hashes);
    else
        memcpy(hashes, from, count * sizeof *hashes);
}

bool bytes_read_all(const struct bytes_reader *reader)
{
    return !reader->failed && reader->position == reader->bytes;
}

bool bytes_begin_with(const uint8_t *bytes, size_t count, const uint32_t *elements,
                      size_t element_count)
{
    if (count / element_bytes < element_count)
        return false;
    for (size_t i = 0; i < element_count; i++)
        if (load(bytes + i * element_bytes, element_bytes) != elements[i])
            return false;
    return true;
}
