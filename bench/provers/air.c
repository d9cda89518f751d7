/*
 * air.c - the constraints of a trace as a straight-line program.
 */
#include "air.h"

#include "vector31.h"

#include <stdlib.h>

static void check(bool fits)
{
    if (!fits)
        abort();
}

static uint32_t degree_of(const struct air *air, uint32_t value)
{
    return value < 2 * air->columns ? 1 : air->step_degree[value - 2 * air->columns];
}

void air_start(struct air *air, const struct field31 *field, uint32_t columns, uint32_t inputs)
{
    check(columns <= AIR_COLUMNS_MOST);
    *air = (struct air){.field = field, .columns = columns, .inputs = inputs};
}

uint32_t air_this(const struct air *air, uint32_t column)
{
    check(column < air->columns);
    return column;
}

uint32_t air_next(const struct air *air, uint32_t column)
{
    check(column < air->columns);
    return air->columns + column;
}

static uint32_t append(struct air *air, struct air_step step, uint32_t degree)
{
    check(air->steps < AIR_STEPS_MOST && step.a < air_values(air) && step.b < air_values(air));
    air->step[air->steps] = step;
    air->step_degree[air->steps] = degree;
    return 2 * air->columns + air->steps++;
}

static uint32_t greater_degree(const struct air *air, uint32_t a, uint32_t b)
{
    const uint32_t degree_a = degree_of(air, a), degree_b = degree_of(air, b);

    return degree_a > degree_b ? degree_a : degree_b;
}

uint32_t air_add(struct air *air, uint32_t a, uint32_t b)
{
    return append(air, (struct air_step){AIR_ADD, a, b, 0}, greater_degree(air, a, b));
}

uint32_t air_subtract(struct air *air, uint32_t a, uint32_t b)
{
    return append(air, (struct air_step){AIR_SUBTRACT, a, b, 0}, greater_degree(air, a, b));
}

uint32_t air_multiply(struct air *air, uint32_t a, uint32_t b)
{
    return append(air, (struct air_step){AIR_MULTIPLY, a, b, 0},
                  degree_of(air, a) + degree_of(air, b));
}

uint32_t air_shift(struct air *air, uint32_t a, uint32_t constant)
{
    return append(air, (struct air_step){AIR_SHIFT, a, 0, constant}, degree_of(air, a));
}

uint32_t air_scale(struct air *air, uint32_t a, uint32_t constant)
{
    return append(air, (struct air_step){AIR_SCALE, a, 0, constant}, degree_of(air, a));
}

void air_assert_zero(struct air *air, uint32_t value)
{
    const uint32_t degree = degree_of(air, value);

    check(air->assertions < AIR_ASSERTIONS_MOST);
    air->asserted[air->assertions++] = value;
    if (degree > air->degree)
        air->degree = degree;
}

void air_bind(struct air *air, enum air_row row, uint32_t column, uint32_t input)
{
    check(air->boundaries < AIR_BOUNDARIES_MOST && column < air->columns && input < air->inputs);
    air->boundary[air->boundaries++] = (struct air_boundary){(uint32_t)row, column, input};
}

size_t air_values(const struct air *air)
{
    return 2 * (size_t)air->columns + air->steps;
}

void air_run_rows(const struct air *air, uint32_t *values, size_t count)
{
    const struct field31 *field = air->field;
    uint32_t *to = values + 2 * (size_t)air->columns * count;

    for (uint32_t i = 0; i < air->steps; i++, to += count) {
        const struct air_step *step = &air->step[i];
        const uint32_t *a = values + step->a * count, *b = values + step->b * count;

        switch ((enum air_operation)step->operation) {
        case AIR_ADD:
            vector31_add(field, to, a, b, count);
            break;
        case AIR_SUBTRACT:
            vector31_subtract(field, to, a, b, count);
            break;
        case AIR_MULTIPLY:
            vector31_multiply(field, to, a, b, count);
            break;
        case AIR_SHIFT:
            vector31_shift(field, to, a, step->constant, count);
            break;
        case AIR_SCALE:
            vector31_scale(field, to, a, step->constant, count);
            break;
        }
    }
}

void air_run_point(const struct air *air, struct extension *values)
{
    const struct field31 *field = air->field;
    struct extension *to = values + 2 * (size_t)air->columns;

    for (uint32_t i = 0; i < air->steps; i++, to++) {
        const struct air_step *step = &air->step[i];
        const struct extension a = values[step->a], b = values[step->b];

        switch ((enum air_operation)step->operation) {
        case AIR_ADD:
            *to = extension_add(field, a, b);
            break;
        case AIR_SUBTRACT:
            *to = extension_subtract(field, a, b);
            break;
        case AIR_MULTIPLY:
            *to = extension_multiply(field, a, b);
            break;
        case AIR_SHIFT:
            *to = extension_add(field, a, extension_from(step->constant));
            break;
        case AIR_SCALE:
            *to = extension_scale(field, a, step->constant);
            break;
        }
    }
}

/* A constraint of degree d, times the polynomial that excludes the last row, divided by the one
 * that vanishes on all rows, has a degree below (d - 1) times the number of rows. */
unsigned air_log_chunks(const struct air *air)
{
    unsigned log_chunks = 0;

    while (((uint32_t)1 << log_chunks) + 1 < air->degree)
        log_chunks++;
    return log_chunks;
}
