/*
 * extension.h - the extension of degree 4 of a field of 31 bits, by a root x of x^4 - w, where w is the field's
 * non-residue. It has about 2^124 elements, so there are as many challenges that a cheat would have
 * to guess among.
 */
#ifndef EXTENSION_H
#define EXTENSION_H

#include "field31.h"

#include <stdbool.h>
#include <stddef.h>

enum { EXTENSION_DEGREE = 4 };

/* c[0] + c[1] x + c[2] x^2 + c[3] x^3. */
struct extension {
    uint32_t c[EXTENSION_DEGREE];
};

/* An element of the base field. */
static inline struct extension extension_from(uint32_t element)
{
    return (struct extension){{element}};
}

static inline struct extension extension_add(const struct field31 *field, struct extension a,
                                             struct extension b)
{
    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        a.c[i] = field31_add(field, a.c[i], b.c[i]);
    return a;
}

static inline struct extension extension_subtract(const struct field31 *field, struct extension a,
                                                  struct extension b)
{
    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        a.c[i] = field31_subtract(field, a.c[i], b.c[i]);
    return a;
}

/* Multiplies by an element of the base field. */
static inline struct extension extension_scale(const struct field31 *field, struct extension a,
                                               uint32_t factor)
{
    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        a.c[i] = field31_multiply(field, a.c[i], factor);
    return a;
}

static inline bool extension_equal(struct extension a, struct extension b)
{
    uint32_t differences = 0;

    for (unsigned i = 0; i < EXTENSION_DEGREE; i++)
        differences |= a.c[i] ^ b.c[i];
    return differences == 0;
}

/* Reduces a sum of four products to an element. The sum is below 4 p^2, so its upper half is below
 * 2 p. */
static inline uint32_t extension_reduce(const struct field31 *field, uint64_t sum)
{
    uint32_t high = (uint32_t)(sum >> 32);
    uint32_t multiple = (uint32_t)sum * field->inverse;
    uint32_t excess = (uint32_t)((uint64_t)multiple * field->modulus >> 32);

    return field31_subtract(field, field31_lesser(high, high - field->modulus), excess);
}

static inline struct extension extension_multiply(const struct field31 *field, struct extension a,
                                                  struct extension b)
{
    const uint32_t w = field31_from(field, field->non_residue);
    const uint64_t a0 = a.c[0], a1 = a.c[1], a2 = a.c[2], a3 = a.c[3];
    const uint32_t w1 = field31_multiply(field, b.c[1], w);
    const uint32_t w2 = field31_multiply(field, b.c[2], w);
    const uint32_t w3 = field31_multiply(field, b.c[3], w);

    return (struct extension){{
        extension_reduce(field, a0 * b.c[0] + a1 * w3 + a2 * w2 + a3 * w1),
        extension_reduce(field, a0 * b.c[1] + a1 * b.c[0] + a2 * w3 + a3 * w2),
        extension_reduce(field, a0 * b.c[2] + a1 * b.c[1] + a2 * b.c[0] + a3 * w3),
        extension_reduce(field, a0 * b.c[3] + a1 * b.c[2] + a2 * b.c[1] + a3 * b.c[0]),
    }};
}

/* Is it an element of the base field? */
bool extension_is_base(struct extension a);

struct extension extension_power(const struct field31 *field, struct extension base,
                                 uint64_t exponent);

/* a to the power of p: the automorphism that generates all others. */
struct extension extension_conjugate(const struct field31 *field, struct extension a);

/* 0 for 0. */
struct extension extension_inverse(const struct field31 *field, struct extension a);

/* powers[i] = base^i for i below count. */
void extension_powers(const struct field31 *field, struct extension base, struct extension *powers,
                      size_t count);

#endif
