/*
 * field31.h - prime fields of 31 bits. An element is a uint32_t below the modulus that stands for itself times
 * 2^-32 (Montgomery's form); every function takes and returns elements, unless it says otherwise.
 *
 * No function branches on an element, so that the compiler can turn loops into vector code.
 */
#ifndef FIELD31_H
#define FIELD31_H

#include <stdint.h>

struct field31 {
    uint32_t modulus;     /* p */
    uint32_t inverse;     /* of p, modulo 2^32 */
    uint32_t one;         /* 2^32 modulo p, which is 1 */
    uint32_t square;      /* 2^64 modulo p, which brings numbers into Montgomery's form */
    uint32_t generator;   /* of the multiplicative group; a plain number */
    uint32_t non_residue; /* x^4 minus this is irreducible (extension.h); a plain number */
    unsigned two_adicity; /* 2 to this divides p - 1 */
};

/* p = 15 * 2^27 + 1. */
static const struct field31 field31_babybear = {
    .modulus = 0x78000001,
    .inverse = 0x88000001,
    .one = 0x0ffffffe,
    .square = 0x45dddde3,
    .generator = 31,
    .non_residue = 11,
    .two_adicity = 27,
};

/* p = 127 * 2^24 + 1. */
static const struct field31 field31_koalabear = {
    .modulus = 0x7f000001,
    .inverse = 0x81000001,
    .one = 0x01fffffe,
    .square = 0x17f7efe4,
    .generator = 3,
    .non_residue = 3,
    .two_adicity = 24,
};

/* The smaller one is the right one: the other is at least p or has wrapped around. */
static inline uint32_t field31_lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t field31_add(const struct field31 *field, uint32_t a, uint32_t b)
{
    uint32_t sum = a + b;

    return field31_lesser(sum, sum - field->modulus);
}

static inline uint32_t field31_subtract(const struct field31 *field, uint32_t a, uint32_t b)
{
    uint32_t difference = a - b;

    return field31_lesser(difference, difference + field->modulus);
}

/* The multiple of p that is subtracted has the same lower half as the product, so the result is the
 * difference of the upper halves. */
static inline uint32_t field31_multiply(const struct field31 *field, uint32_t a, uint32_t b)
{
    uint32_t high = (uint32_t)((uint64_t)a * b >> 32);
    uint32_t multiple = a * b * field->inverse;
    uint32_t excess = (uint32_t)((uint64_t)multiple * field->modulus >> 32);

    return field31_subtract(field, high, excess);
}

/* Any 32-bit number, as an element. */
static inline uint32_t field31_from(const struct field31 *field, uint32_t number)
{
    return field31_multiply(field, number, field->square);
}

/* The plain number of an element, below p. */
static inline uint32_t field31_to(const struct field31 *field, uint32_t element)
{
    return field31_multiply(field, element, 1);
}

static inline uint32_t field31_power(const struct field31 *field, uint32_t base, uint64_t exponent)
{
    uint32_t result = field->one;

    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = field31_multiply(field, result, base);
        base = field31_multiply(field, base, base);
    }
    return result;
}

/* 0 for 0. */
static inline uint32_t field31_inverse(const struct field31 *field, uint32_t element)
{
    return field31_power(field, element, field->modulus - 2);
}

/* A root of unity of order 2^log_order, where log_order is at most the field's two-adicity. It is
 * the square of the root for the next higher order. */
static inline uint32_t field31_root(const struct field31 *field, unsigned log_order)
{
    return field31_power(field, field31_from(field, field->generator),
                         (field->modulus - 1) >> log_order);
}

#endif
