/*
 * memoised_dft.c - Plonky3's transform and its table: see memoised_dft.h for what it is faithful
 * to.
 *
 * The list holds, in this order, the roots for heights 2^length, 2^(length - 1), ... 2. It is
 * replaced as a whole under the write lock; its blocks are read under the read lock.
 */
#include "memoised_dft.h"

#include "modular.h"
#include "zkalloc.h"

#include <string.h>

/* Vec<F> */
struct dft_roots {
    void *elements;
    size_t capacity;
    size_t length;
};

_Static_assert(sizeof(struct dft_roots) == 24, "as Vec<F>");

/* ---- The fields ---- */

uint64_t dft_order(enum dft_field field)
{
    return field == DFT_BABYBEAR ? 2013265921u : 0xFFFFFFFF00000001u;
}

size_t dft_element_bytes(enum dft_field field)
{
    return field == DFT_BABYBEAR ? 4 : 8;
}

uint64_t dft_multiply(enum dft_field field, uint64_t a, uint64_t b)
{
    return mod_multiply(a, b, dft_order(field));
}

uint64_t dft_power(enum dft_field field, uint64_t a, uint64_t exponent)
{
    return mod_power(a, exponent, dft_order(field));
}

uint64_t dft_root(enum dft_field field, size_t height)
{
    uint64_t generator = field == DFT_BABYBEAR ? 31 : 7;

    return dft_power(field, generator, (dft_order(field) - 1) / height);
}

size_t dft_reversed(size_t i, size_t height)
{
    size_t result = 0;

    for (; height > 1; height /= 2, i /= 2)
        result = result * 2 + i % 2;
    return result;
}

/* ---- The table ---- */

static void put_element(const struct memoised_dft *dft, void *elements, size_t i, uint64_t value)
{
    if (dft->field == DFT_BABYBEAR)
        ((uint32_t *)elements)[i] = (uint32_t)value;
    else
        ((uint64_t *)elements)[i] = value;
}

/* A table may hold any bytes; as in Plonky3, no value is checked against the field's order. */
static uint64_t element_at(const struct memoised_dft *dft, const void *elements, size_t i)
{
    return dft->field == DFT_BABYBEAR ? ((const uint32_t *)elements)[i]
                                      : ((const uint64_t *)elements)[i];
}

static void free_list(struct dft_roots *list, size_t length)
{
    for (size_t i = 0; list != NULL && i < length; i++)
        zk_free(list[i].elements);
    zk_free(list);
}

/* The powers of root below height / 2. */
static int make_roots(const struct memoised_dft *dft, struct dft_roots *roots, size_t height)
{
    uint64_t root = dft_root(dft->field, height);
    uint64_t power = 1;

    *roots = (struct dft_roots){.elements = zk_malloc(height / 2 * dft_element_bytes(dft->field)),
                                .capacity = height / 2,
                                .length = height / 2};
    if (roots->elements == NULL)
        return -1;
    for (size_t i = 0; i < height / 2; i++) {
        put_element(dft, roots->elements, i, power);
        power = dft_multiply(dft->field, power, root);
    }
    return 0;
}

static unsigned logarithm(size_t height)
{
    return (unsigned)__builtin_ctzl(height);
}

/* Replaces the list with one for this height. */
static int make_list(struct memoised_dft *dft, size_t height)
{
    size_t length = logarithm(height);
    struct dft_roots *list = zk_calloc(length, sizeof *list);

    if (list == NULL)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (make_roots(dft, &list[i], height >> i) != 0) {
            free_list(list, length);
            return -1;
        }
    }
    free_list(dft->list, dft->list_length);
    dft->list = list;
    dft->list_length = length;
    return 0;
}

/* The roots for this height, followed by those for its half, and so on; NULL when there are
 * none. */
static const struct dft_roots *find_roots(const struct memoised_dft *dft, size_t height)
{
    unsigned length = logarithm(height);

    return dft->list_length < length ? NULL : dft->list + dft->list_length - length;
}

/* Makes the table if there is none for this height; returns with the read lock held. */
static int lock_roots(struct memoised_dft *dft, size_t height)
{
    int error = 0;

    pthread_rwlock_rdlock(&dft->lock);
    if (find_roots(dft, height) != NULL)
        return 0;
    pthread_rwlock_unlock(&dft->lock);
    pthread_rwlock_wrlock(&dft->lock);
    if (find_roots(dft, height) == NULL)
        error = make_list(dft, height);
    pthread_rwlock_unlock(&dft->lock);
    pthread_rwlock_rdlock(&dft->lock);
    return error;
}

int memoised_dft_init(struct memoised_dft *dft, enum dft_field field)
{
    *dft = (struct memoised_dft){.field = field};
    return pthread_rwlock_init(&dft->lock, NULL) == 0 ? 0 : -1;
}

void memoised_dft_deinit(struct memoised_dft *dft)
{
    free_list(dft->list, dft->list_length);
    pthread_rwlock_destroy(&dft->lock);
}

/* ---- The transform ---- */

/* One layer: halves of height / 2 values are added and subtracted, and the differences multiplied
 * by roots. */
static void butterflies(const struct memoised_dft *dft, uint64_t *values, size_t height,
                        const void *roots)
{
    uint64_t order = dft_order(dft->field);

    for (size_t i = 0; i < height / 2; i++) {
        uint64_t upper = values[i];
        uint64_t lower = values[i + height / 2];

        values[i] = mod_add(upper, lower, order);
        values[i + height / 2] =
            mod_multiply(mod_subtract(upper, lower, order), element_at(dft, roots, i), order);
    }
}

int memoised_dft_forward(struct memoised_dft *dft, uint64_t *values, size_t height)
{
    int error = lock_roots(dft, height);
    const struct dft_roots *roots = find_roots(dft, height);

    for (size_t block = height; error == 0 && block > 1; block /= 2, roots++)
        for (size_t at = 0; at < height; at += block)
            butterflies(dft, values + at, block, roots->elements);
    pthread_rwlock_unlock(&dft->lock);
    return error;
}

size_t memoised_dft_right_roots(struct memoised_dft *dft, size_t height)
{
    uint64_t root = dft_root(dft->field, height);
    uint64_t power = 1;
    size_t right = 0;
    const struct dft_roots *roots;

    pthread_rwlock_rdlock(&dft->lock);
    roots = find_roots(dft, height);
    for (size_t i = 0; roots != NULL && i < height / 2; i++) {
        right += element_at(dft, roots->elements, i) == power;
        power = dft_multiply(dft->field, power, root);
    }
    pthread_rwlock_unlock(&dft->lock);
    return right;
}
