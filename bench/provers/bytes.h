/*
 * bytes.h - proofs as bytes: a writer whose block grows, and a reader that never reads outside of
 * its bytes. Numbers are little-endian.
 */
#ifndef BYTES_H
#define BYTES_H

#include "extension.h"
#include "hash.h"

#include <stddef.h>

/* Starts as {0}. The block is workload_alloc's; the caller frees it. */
struct bytes_writer {
    uint8_t *data;
    size_t bytes;
    size_t capacity;
};

void bytes_put(struct bytes_writer *writer, const void *bytes, size_t count);
void bytes_put_number(struct bytes_writer *writer, uint64_t number);
void bytes_put_elements(struct bytes_writer *writer, const uint32_t *elements, size_t count);
void bytes_put_extensions(struct bytes_writer *writer, const struct extension *values,
                          size_t count);
void bytes_put_hashes(struct bytes_writer *writer, const struct hash *hashes, size_t count);

/* Starts as {.data = ..., .bytes = ...}. A read past the end gives zeros, and sets failed for
 * good. */
struct bytes_reader {
    const uint8_t *data;
    size_t bytes;
    size_t position;
    bool failed;
    bool reduces; /* an element that is not below the modulus is taken modulo it (checks.h) */
};

uint64_t bytes_get_number(struct bytes_reader *reader);

/* An element that is not below the modulus is an error: each proof has only one encoding. */
void bytes_get_elements(struct bytes_reader *reader, const struct field31 *field,
                        uint32_t *elements, size_t count);
void bytes_get_extensions(struct bytes_reader *reader, const struct field31 *field,
                          struct extension *values, size_t count);
void bytes_get_hashes(struct bytes_reader *reader, struct hash *hashes, size_t count);

/* Do bytes begin with these elements, as they are written? */
bool bytes_begin_with(const uint8_t *bytes, size_t count, const uint32_t *elements,
                      size_t element_count);

/* Was everything read, without an error? */
bool bytes_read_all(const struct bytes_reader *reader);

#endif
