/*
 * extension.c - the functions of the extension field that are not worth inlining.
 */
#include "extension.h"

bool extension_is_base(struct extension a)
{
    return (a.c[1] | a.c[2] | a.c[3]) == 0;
}

struct extension extension_power(const struct field31 *field, struct extension base,
                                 uint64_t exponent)
{
    struct extension result = extension_from(field->one);

    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = extension_multiply(field, result, base);
        base = extension_multiply(field, base, base);
    }
    return result;
}

/* x^p is x times w to the power of (p - 1) / 4. */
struct extension extension_conjugate(const struct field31 *field, struct extension a)
{
    const uint32_t w = field31_from(field, field->non_residue);
    const uint32_t root = field31_power(field, w, (field->modulus - 1) / EXTENSION_DEGREE);
    uint32_t factor = root;

    for (unsigned i = 1; i < EXTENSION_DEGREE; i++) {
        a.c[i] = field31_multiply(field, a.c[i], factor);
        factor = field31_multiply(field, factor, root);
    }
    return a;
}

/* The product of all conjugates is an element of the base field. */
struct extension extension_inverse(const struct field31 *field, struct extension a)
{
    const struct extension second = extension_conjugate(field, a);
    const struct extension third = extension_conjugate(field, second);
    const struct extension fourth = extension_conjugate(field, third);
    const struct extension others =
        extension_multiply(field, second, extension_multiply(field, third, fourth));
    const struct extension norm = extension_multiply(field, a, others);

    return extension_scale(field, others, field31_inverse(field, norm.c[0]));
}

void extension_powers(const struct field31 *field, struct extension base, struct extension *powers,
                      size_t count)
{
    struct extension power = extension_from(field->one);

    for (size_t i = 0; i < count; i++) {
        powers[i] = power;
        power = extension_multiply(field, power, base);
    }
}
