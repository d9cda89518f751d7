/*
 * vector31.c - loops over elements.
 */
#include "vector31.h"

#include "kernel.h"

/* The number of products computed side by side: enough to keep a vector unit busy. */
enum { inversion_lanes = 16 };

KERNEL void vector31_add(const struct field31 *field, uint32_t *to, const uint32_t *a,
                         const uint32_t *b, size_t count)
{
    const struct field31 f = *field;

    for (size_t i = 0; i < count; i++)
        to[i] = field31_add(&f, a[i], b[i]);
}

KERNEL void vector31_subtract(const struct field31 *field, uint32_t *to, const uint32_t *a,
                              const uint32_t *b, size_t count)
{
    const struct field31 f = *field;

    for (size_t i = 0; i < count; i++)
        to[i] = field31_subtract(&f, a[i], b[i]);
}

KERNEL void vector31_multiply(const struct field31 *field, uint32_t *to, const uint32_t *a,
                              const uint32_t *b, size_t count)
{
    const struct field31 f = *field;

    for (size_t i = 0; i < count; i++)
        to[i] = field31_multiply(&f, a[i], b[i]);
}

KERNEL void vector31_scale(const struct field31 *field, uint32_t *to, const uint32_t *a,
                           uint32_t factor, size_t count)
{
    const struct field31 f = *field;

    for (size_t i = 0; i < count; i++)
        to[i] = field31_multiply(&f, a[i], factor);
}

KERNEL void vector31_shift(const struct field31 *field, uint32_t *to, const uint32_t *a,
                           uint32_t term, size_t count)
{
    const struct field31 f = *field;

    for (size_t i = 0; i < count; i++)
        to[i] = field31_add(&f, a[i], term);
}

KERNEL void vector31_add_scaled(const struct field31 *field, uint32_t *to, const uint32_t *a,
                                uint32_t factor, size_t count)
{
    const struct field31 f = *field;

    for (size_t i = 0; i < count; i++)
        to[i] = field31_add(&f, to[i], field31_multiply(&f, a[i], factor));
}

/* Montgomery's trick in 16 lanes: to[i] is first the product of its lane up to a[i]; from the end on, the
 * inverse of that product is carried down. */
void vector31_invert(const struct field31 *field, uint32_t *to, const uint32_t *a, size_t count)
{
    const size_t lanes = count < inversion_lanes ? count : inversion_lanes;
    uint32_t carried[inversion_lanes];

    if (count == 0)
        return;
    for (size_t i = 0; i < lanes; i++)
        to[i] = a[i];
    for (size_t i = lanes; i < count; i += lanes) {
        const size_t width = count - i < lanes ? count - i : lanes;

        vector31_multiply(field, to + i, to + i - lanes, a + i, width);
    }
    for (size_t i = count - lanes; i < count; i++)
        carried[i % lanes] = field31_inverse(field, to[i]);
    for (size_t i = (count - 1) / lanes * lanes; i > 0; i -= lanes) {
        const size_t width = count - i < lanes ? count - i : lanes;

        vector31_multiply(field, to + i, carried, to + i - lanes, width);
        vector31_multiply(field, carried, carried, a + i, width);
    }
    for (size_t i = 0; i < lanes; i++)
        to[i] = carried[i];
}
