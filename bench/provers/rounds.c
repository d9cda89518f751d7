/*
 * rounds.c - the round function, on numbers and as constraints.
 */
#include "rounds.h"

#include "workload.h"

#include <string.h>

/* What is added to element i before it is cubed: arbitrary constants. */
static uint32_t constant_of(const struct field31 *field, uint32_t i)
{
    return field31_from(field, 0x9e3779b9 * (i + 1));
}

/* Mixing adds the sum of all elements to each one. Since 33 is not 0 modulo p, that is
 * invertible. */
void rounds_step(const struct field31 *field, uint32_t state[ROUNDS_WIDTH])
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < ROUNDS_WIDTH; i += 2) {
        const uint32_t base = field31_add(field, state[i], constant_of(field, i));
        const uint32_t cube = field31_multiply(field, base, field31_multiply(field, base, base));

        state[i + 1] = field31_add(field, state[i + 1], cube);
        sum = field31_add(field, sum, field31_add(field, state[i], state[i + 1]));
    }
    for (uint32_t i = 0; i < ROUNDS_WIDTH / 2; i++) { /* swaps the elements of a pair */
        const uint32_t even = field31_add(field, state[2 * i], sum);

        state[2 * i] = field31_add(field, state[2 * i + 1], sum);
        state[2 * i + 1] = even;
    }
}

static uint32_t cube_of(struct air *air, uint32_t value, uint32_t constant)
{
    const uint32_t base = air_shift(air, value, constant);

    return air_multiply(air, base, air_multiply(air, base, base));
}

void rounds_air(struct air *air, const struct field31 *field)
{
    uint32_t mixed[ROUNDS_WIDTH], sum = 0;

    air_start(air, field, ROUNDS_WIDTH, 2 * ROUNDS_WIDTH);
    for (uint32_t i = 0; i < ROUNDS_WIDTH; i += 2) {
        uint32_t both;

        mixed[i + 1] = air_this(air, i);
        mixed[i] = air_add(air, air_this(air, i + 1),
                           cube_of(air, air_this(air, i), constant_of(field, i)));
        both = air_add(air, mixed[i], mixed[i + 1]);
        sum = i == 0 ? both : air_add(air, sum, both);
    }
    for (uint32_t i = 0; i < ROUNDS_WIDTH; i++) {
        const uint32_t expected = air_add(air, mixed[i], sum);

        air_assert_zero(air, air_subtract(air, air_next(air, i), expected));
        air_bind(air, AIR_FIRST, i, i);
        air_bind(air, AIR_LAST, i, ROUNDS_WIDTH + i);
    }
}

uint32_t *rounds_trace(const struct field31 *field, const uint32_t start[ROUNDS_WIDTH],
                       unsigned log_rows)
{
    const size_t rows = (size_t)1 << log_rows;
    const size_t row_bytes = ROUNDS_WIDTH * sizeof *start;
    uint32_t *trace = workload_alloc(rows * row_bytes);

    memcpy(trace, start, row_bytes);
    for (size_t row = 1; row < rows; row++) {
        uint32_t *next = trace + row * ROUNDS_WIDTH;

        memcpy(next, trace + (row - 1) * ROUNDS_WIDTH, row_bytes);
        rounds_step(field, next);
    }
    return trace;
}
