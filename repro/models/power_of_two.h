/*
 * power_of_two.h - rounds sizes up to a power of two. Private to the models and the repros.
 */
#ifndef POWER_OF_TWO_H
#define POWER_OF_TWO_H

#include <stddef.h>

/* The smallest power of two that is not below n, at most 2^63; 1 for 0. */
static inline size_t power_of_two_at_least(size_t n)
{
    size_t power = 1;

    while (power < n)
        power *= 2;
    return power;
}

#endif
