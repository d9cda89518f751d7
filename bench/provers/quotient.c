/*
 * quotient.c - evaluates the constraints on a coset, in blocks of rows.
 *
 * Transition constraints must vanish on all rows but the last: they are divided by (x^rows - 1) /
 * (x - last). A boundary constraint must vanish at one row's point: it is divided by x - point.
 */
#include "quotient.h"

#include "block.h"
#include "vector31.h"
#include "watch.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

/* What is the same for all blocks. */
struct quotient {
    const struct stark *stark;
    const uint32_t *extended;
    const uint32_t *inputs;
    unsigned log_size; /* of the coset */
    uint32_t shift;
    uint32_t row_points[AIR_ROWS];
    uint32_t vanishing[1 << STARK_LOG_CHUNKS_MOST]; /* 1 / (x^rows - 1), which repeats */
    struct extension powers[AIR_ASSERTIONS_MOST + AIR_BOUNDARIES_MOST]; /* of the challenge */
};

/* A thread's scratch memory. */
struct scratch {
    size_t rows[BLOCK_ROWS];
    uint32_t x[BLOCK_ROWS];
    uint32_t factor[BLOCK_ROWS];
    uint32_t difference[BLOCK_ROWS];
    uint32_t part[EXTENSION_DEGREE * BLOCK_ROWS];
    uint32_t sum[EXTENSION_DEGREE * BLOCK_ROWS];
    uint32_t values[]; /* planes of the AIR's values */
};

static void set_up(struct quotient *quotient, struct extension challenge)
{
    const struct stark *stark = quotient->stark;
    const struct field31 *field = stark->air->field;
    const unsigned log_chunks = air_log_chunks(stark->air);
    const uint32_t root = field31_root(field, log_chunks);
    uint32_t power;

    quotient->log_size = stark->log_rows + log_chunks;
    quotient->shift = stark_shift(stark);
    quotient->row_points[AIR_FIRST] = stark_point_of(stark, AIR_FIRST);
    quotient->row_points[AIR_LAST] = stark_point_of(stark, AIR_LAST);
    power = field31_power(field, quotient->shift, (uint64_t)1 << stark->log_rows);
    for (size_t i = 0; i < (size_t)1 << log_chunks; i++) {
        quotient->vanishing[i] = field31_inverse(field, field31_subtract(field, power, field->one));
        power = field31_multiply(field, power, root);
    }
    extension_powers(field, challenge, quotient->powers,
                     stark->air->assertions + stark->air->boundaries);
}

/* Gathers the cells of a block of rows, and of the rows one step of the trace further on. */
static void gather_cells(const struct quotient *quotient, struct scratch *scratch, size_t start,
                         size_t count)
{
    const size_t columns = quotient->stark->air->columns;
    const size_t mask = ((size_t)1 << quotient->log_size) - 1;
    const size_t step = (size_t)1 << (quotient->log_size - quotient->stark->log_rows);

    for (size_t i = 0; i < count; i++)
        scratch->rows[i] = start + i;
    block_gather(scratch->values, quotient->extended, columns, scratch->rows, count);
    for (size_t i = 0; i < count; i++) {
        const size_t natural = ntt_reverse(start + i, quotient->log_size);

        scratch->rows[i] = ntt_reverse((natural + step) & mask, quotient->log_size);
    }
    block_gather(scratch->values + columns * count, quotient->extended, columns, scratch->rows,
                 count);
}

/* sum += part * factor, for all coordinates. */
static void add_part(const struct field31 *field, struct scratch *scratch, size_t count)
{
    for (size_t c = 0; c < EXTENSION_DEGREE; c++) {
        uint32_t *part = scratch->part + c * count, *sum = scratch->sum + c * count;

        vector31_multiply(field, part, part, scratch->factor, count);
        vector31_add(field, sum, sum, part, count);
    }
}

static void add_transitions(const struct quotient *quotient, struct scratch *scratch, size_t start,
                            size_t count)
{
    const struct air *air = quotient->stark->air;
    const struct field31 *field = air->field;
    const size_t mask = ((size_t)1 << (quotient->log_size - quotient->stark->log_rows)) - 1;
    const uint32_t last = quotient->row_points[AIR_LAST];

    memset(scratch->part, 0, EXTENSION_DEGREE * count * sizeof *scratch->part);
    air_run_rows(air, scratch->values, count);
    for (size_t i = 0; i < air->assertions; i++)
        block_accumulate(field, scratch->part, scratch->values + air->asserted[i] * count,
                         quotient->powers[i], count);
    for (size_t i = 0; i < count; i++) {
        const size_t natural = ntt_reverse(start + i, quotient->log_size);
        const uint32_t rest = field31_subtract(field, scratch->x[i], last);

        scratch->factor[i] = field31_multiply(field, rest, quotient->vanishing[natural & mask]);
    }
    add_part(field, scratch, count);
}

static void add_boundaries(const struct quotient *quotient, struct scratch *scratch,
                           enum air_row row, size_t count)
{
    const struct air *air = quotient->stark->air;
    const struct field31 *field = air->field;
    const uint32_t zero = 0;
    bool any = false;

    memset(scratch->part, 0, EXTENSION_DEGREE * count * sizeof *scratch->part);
    for (size_t i = 0; i < air->boundaries; i++) {
        const struct air_boundary *boundary = &air->boundary[i];
        const uint32_t *cells = scratch->values + boundary->column * count;
        const uint32_t minus = field31_subtract(field, zero, quotient->inputs[boundary->input]);

        if (boundary->row != (uint32_t)row || !stark_binds(quotient->stark, boundary))
            continue;
        any = true;
        vector31_shift(field, scratch->difference, cells, minus, count);
        block_accumulate(field, scratch->part, scratch->difference,
                         quotient->powers[air->assertions + i], count);
    }
    if (!any)
        return;
    vector31_shift(field, scratch->difference, scratch->x,
                   field31_subtract(field, zero, quotient->row_points[row]), count);
    vector31_invert(field, scratch->factor, scratch->difference, count);
    add_part(field, scratch, count);
}

static void evaluate_block(const struct quotient *quotient, struct scratch *scratch, size_t start,
                           size_t count, uint32_t *values)
{
    const struct stark *stark = quotient->stark;

    vector31_scale(stark->air->field, scratch->x, stark->ntt->points + start, quotient->shift,
                   count);
    memset(scratch->sum, 0, EXTENSION_DEGREE * count * sizeof *scratch->sum);
    gather_cells(quotient, scratch, start, count);
    add_transitions(quotient, scratch, start, count);
    add_boundaries(quotient, scratch, AIR_FIRST, count);
    add_boundaries(quotient, scratch, AIR_LAST, count);
    for (size_t i = 0; i < count; i++) {
        const size_t natural = ntt_reverse(start + i, quotient->log_size);

        for (size_t c = 0; c < EXTENSION_DEGREE; c++)
            values[natural * EXTENSION_DEGREE + c] = scratch->sum[c * count + i];
    }
}

uint32_t *quotient_values(const struct stark *stark, const uint32_t *extended,
                          const uint32_t *inputs, struct extension challenge)
{
    struct quotient quotient = {.stark = stark, .extended = extended, .inputs = inputs};
    const size_t plane_bytes = BLOCK_ROWS * sizeof(uint32_t);
    uint32_t *values;
    size_t size, block;

    set_up(&quotient, challenge);
    size = (size_t)1 << quotient.log_size;
    block = size < BLOCK_ROWS ? size : BLOCK_ROWS;
    values = workload_alloc(size * EXTENSION_DEGREE * sizeof *values);
    watch_block(WATCH_QUOTIENT, values, size * EXTENSION_DEGREE * sizeof *values);
#pragma omp parallel
    {
        struct scratch *scratch =
            workload_alloc(sizeof *scratch + air_values(stark->air) * plane_bytes);

#pragma omp for schedule(static)
        for (size_t start = 0; start < size; start += block)
            evaluate_block(&quotient, scratch, start, block, values);
        free(scratch);
    }
    return values;
}
