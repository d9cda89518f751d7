/*
 * mersenne61.h - the field of 2^61-1 elements. An element is a uint64_t below M61_P; every function
 * takes and returns elements.
 */
#ifndef MERSENNE61_H
#define MERSENNE61_H

#include <stdint.h>

#define M61_P (((uint64_t)1 << 61) - 1)

/* Any number, modulo p. */
static inline uint64_t m61_reduce(uint64_t value)
{
    value = (value & M61_P) + (value >> 61);
    return value >= M61_P ? value - M61_P : value;
}

static inline uint64_t m61_add(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;

    return sum >= M61_P ? sum - M61_P : sum;
}

static inline uint64_t m61_subtract(uint64_t a, uint64_t b)
{
    return a >= b ? a - b : a + M61_P - b;
}

/* 2^61 = 1, so the product's upper half is added to its lower half. */
static inline uint64_t m61_multiply(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return m61_add((uint64_t)product & M61_P, (uint64_t)(product >> 61));
}

static inline uint64_t m61_power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;

    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = m61_multiply(result, base);
        base = m61_multiply(base, base);
    }
    return result;
}

/* 0 for 0. */
static inline uint64_t m61_inverse(uint64_t a)
{
    return m61_power(a, M61_P - 2);
}

#endif
