/*
 * formula.h - the value of a law: a formula of whole numbers, names and a few functions.
 *
 *     sum     = product { (+ | -) product }
 *     product = term { (* | /) term }             / rounds down
 *     term    = number | name | ( sum ) | function ( sum [, sum] )
 *
 * Functions: max(a, b), min(a, b); pow2_at_least(x), the smallest power of two that is x or more;
 * pow2_above(x), the smallest that is more than x.
 */
#ifndef FORMULA_H
#define FORMULA_H

#include <stdbool.h>
#include <stddef.h>

/* What a name stands for: true, and its value. The name is not ended by a NUL. */
typedef bool formula_lookup(const void *names, const char *name, size_t length,
                            unsigned long *value);

/* True, and the formula's value; or false, and one line in error that says what is wrong and where.
 * Wrong is also what has no value among the whole numbers from 0 on: a difference below 0, a division
 * by 0, an overflow. Any thread. */
bool formula_evaluate(const char *formula, formula_lookup *lookup, const void *names,
                      unsigned long *value, char *error, size_t room);

#endif
