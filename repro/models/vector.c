/*
 * vector.c - Rust's Vec<T>: see vector.h for what it is faithful to.
 */
#include "vector.h"

#include "array_bytes.h"
#include "zkalloc.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

_Static_assert(sizeof(struct vector) == 24, "as Vec<T> is on 64-bit");

void vector_init(struct vector *vector)
{
    *vector = (struct vector){0};
}

int vector_init_with_capacity(struct vector *vector, size_t element_bytes, size_t capacity)
{
    size_t bytes;

    vector_init(vector);
    if (capacity == 0)
        return 0;
    if (!array_bytes(capacity, element_bytes, &bytes))
        return -1;
    vector->data = zk_malloc(bytes);
    if (vector->data == NULL)
        return -1;
    vector->capacity = capacity;
    return 0;
}

/* The capacity of a first block. */
static size_t min_capacity(size_t element_bytes)
{
    if (element_bytes == 1)
        return 8;
    return element_bytes <= 1024 ? 4 : 1;
}

/* Capacity for at least needed elements: at least twice the present one. */
static size_t amortized_capacity(const struct vector *vector, size_t element_bytes, size_t needed)
{
    size_t capacity = vector->capacity * 2;

    if (capacity < needed)
        capacity = needed;
    if (capacity < min_capacity(element_bytes))
        capacity = min_capacity(element_bytes);
    return capacity;
}

static int grow(struct vector *vector, size_t element_bytes, size_t capacity)
{
    size_t bytes;
    void *data;

    if (!array_bytes(capacity, element_bytes, &bytes))
        return -1;
    if (vector->capacity == 0)
        data = zk_malloc(bytes);
    else
        data = zk_realloc_sized(vector->data, vector->capacity * element_bytes,
                                alignof(max_align_t), bytes);
    if (data == NULL)
        return -1;
    vector->data = data;
    vector->capacity = capacity;
    return 0;
}

int vector_reserve(struct vector *vector, size_t element_bytes, size_t more)
{
    size_t needed;

    if (more <= vector->capacity - vector->length)
        return 0;
    if (__builtin_add_overflow(vector->length, more, &needed)) {
        errno = ENOMEM;
        return -1;
    }
    return grow(vector, element_bytes, amortized_capacity(vector, element_bytes, needed));
}

int vector_push(struct vector *vector, size_t element_bytes, const void *element)
{
    return vector_extend(vector, element_bytes, element, 1);
}

int vector_extend(struct vector *vector, size_t element_bytes, const void *elements, size_t count)
{
    if (count == 0)
        return 0;
    if (vector_reserve(vector, element_bytes, count) != 0)
        return -1;
    memcpy((char *)vector->data + vector->length * element_bytes, elements, count * element_bytes);
    vector->length += count;
    return 0;
}

void *vector_at(const struct vector *vector, size_t element_bytes, size_t index)
{
    return index < vector->length ? (char *)vector->data + index * element_bytes : NULL;
}

void vector_remove(struct vector *vector, size_t element_bytes, size_t index)
{
    char *at = (char *)vector->data + index * element_bytes;

    vector->length--;
    memmove(at, at + element_bytes, (vector->length - index) * element_bytes);
}

void vector_clear(struct vector *vector)
{
    vector->length = 0;
}

size_t vector_block_bytes(const struct vector *vector, size_t element_bytes)
{
    return vector->capacity * element_bytes;
}

void vector_deinit(struct vector *vector)
{
    zk_free(vector->data);
    vector_init(vector);
}
