/*
 * modular.h - arithmetic modulo any number but 0: private to the models and the repros.
 */
#ifndef MODULAR_H
#define MODULAR_H

#include <stdint.h>

static inline uint64_t mod_add(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)(((unsigned __int128)a + b) % modulus);
}

static inline uint64_t mod_subtract(uint64_t a, uint64_t b, uint64_t modulus)
{
    return mod_add(a, modulus - b % modulus, modulus);
}

static inline uint64_t mod_multiply(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)((unsigned __int128)a * b % modulus);
}

static inline uint64_t mod_power(uint64_t a, uint64_t exponent, uint64_t modulus)
{
    uint64_t power = 1;

    for (; exponent != 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            power = mod_multiply(power, a, modulus);
        a = mod_multiply(a, a, modulus);
    }
    return power;
}

/* The inverse of a modulo a prime; 0 for 0. */
static inline uint64_t mod_inverse(uint64_t a, uint64_t modulus)
{
    return mod_power(a, modulus - 2, modulus);
}

/* Reduces two random words to a number below the modulus; its distribution is as good as
 * uniform. */
static inline uint64_t mod_reduce(uint64_t high, uint64_t low, uint64_t modulus)
{
    return (uint64_t)(((unsigned __int128)high << 64 | low) % modulus);
}

#endif
