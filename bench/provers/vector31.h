/*
 * vector31.h - loops over elements of a field of 31 bits that the compiler can vectorise. Vectors
 * may be identical, but must not overlap otherwise.
 */
#ifndef VECTOR31_H
#define VECTOR31_H

#include "field31.h"

#include <stddef.h>

/* to[i] = a[i] + b[i], and so on. */
void vector31_add(const struct field31 *field, uint32_t *to, const uint32_t *a, const uint32_t *b,
                  size_t count);
void vector31_subtract(const struct field31 *field, uint32_t *to, const uint32_t *a,
                       const uint32_t *b, size_t count);
void vector31_multiply(const struct field31 *field, uint32_t *to, const uint32_t *a,
                       const uint32_t *b, size_t count);

/* to[i] = a[i] * factor. */
void vector31_scale(const struct field31 *field, uint32_t *to, const uint32_t *a, uint32_t factor,
                    size_t count);

/* to[i] = a[i] + term. */
void vector31_shift(const struct field31 *field, uint32_t *to, const uint32_t *a, uint32_t term,
                    size_t count);

/* to[i] += a[i] * factor. */
void vector31_add_scaled(const struct field31 *field, uint32_t *to, const uint32_t *a,
                         uint32_t factor, size_t count);

/* to[i] = 1 / a[i], where no a[i] is 0. to is not a. */
void vector31_invert(const struct field31 *field, uint32_t *to, const uint32_t *a, size_t count);

#endif
