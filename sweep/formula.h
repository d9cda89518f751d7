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

/* Looks up the value of a name; false if there is no such name. The name is not terminated by a
 * NUL. */
typedef bool formula_lookup(const void *names, const char *name, size_t length,
                            unsigned long *value);

/* True, and the formula's value; or false, and one line in error that says what is wrong and where.
 * Also wrong is a value that is no unsigned integer: a difference below 0, a division by 0, an
 * overflow. Any thread. */
bool formula_evaluate(const char *formula, formula_lookup *lookup, const void *names,
                      unsigned long *value, char *error, size_t room);

#endif
