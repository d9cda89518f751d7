/*
 * vector.h - model of Rust's Vec<T>: one block that doubles when it is full and is kept when it is
 * emptied.
 *
 * Faithful to alloc::raw_vec of Rust 1.95 in header (24 bytes), growth and retention: a first push
 * makes room for 8 elements of 1 byte, 4 of up to 1024 bytes, or 1 larger one; a full vector
 * doubles, through one realloc that states the old size; clear keeps the block. The sequences were
 * measured with that compiler.
 *
 * The element's size is passed to each call, as RawVec passes its element's layout: it is not in
 * the header. A vector belongs to one thread at a time; none of the functions is safe for two at
 * once.
 */
#ifndef VECTOR_H
#define VECTOR_H

#include <stddef.h>
#include <stdint.h>

struct vector {
    void *data;      /* the block, or NULL while capacity is 0 */
    size_t capacity; /* in elements */
    size_t length;   /* in elements */
};

/* An empty vector, without a block. */
void vector_init(struct vector *vector);

/* An empty vector with room for exactly capacity elements. -1 with ENOMEM: as vector_init then. */
int vector_init_with_capacity(struct vector *vector, size_t element_bytes, size_t capacity);

/* Makes room for more elements beyond length, as Vec::reserve does: at least doubles when it must
 * grow. -1 with ENOMEM (the real one aborts), and the vector is as before. */
int vector_reserve(struct vector *vector, size_t element_bytes, size_t more);

/* Appends a copy of *element, which must not be in the vector. Errors as vector_reserve. */
int vector_push(struct vector *vector, size_t element_bytes, const void *element);

/* The same for count elements, growing at most once, as extend_from_slice does. */
int vector_extend(struct vector *vector, size_t element_bytes, const void *elements, size_t count);

/* The element at index, valid until the vector grows; NULL when index is out of bounds (the real
 * one panics). */
void *vector_at(const struct vector *vector, size_t element_bytes, size_t index);

/* Removes the element at index, which must be below length: those after it move down by one. */
void vector_remove(struct vector *vector, size_t element_bytes, size_t index);

/* Forgets all elements, and keeps the block. */
void vector_clear(struct vector *vector);

/* Bytes of the block. */
size_t vector_block_bytes(const struct vector *vector, size_t element_bytes);

/* Frees the block; the vector is then as vector_init makes it. */
void vector_deinit(struct vector *vector);

#endif
