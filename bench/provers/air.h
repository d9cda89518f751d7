/*
 * air.h - what a trace must satisfy: polynomial constraints between each row and the next one (an
 * algebraic intermediate representation), and public cells in the first and the last row.
 *
 * The constraints are a straight-line program. The prover runs it on blocks of rows, and the
 * verifier at one point of the extension field, so that both check the same constraints.
 */
#ifndef AIR_H
#define AIR_H

#include "extension.h"

#include <stddef.h>

enum {
    AIR_COLUMNS_MOST = 64,
    AIR_STEPS_MOST = 1024,
    AIR_ASSERTIONS_MOST = 256,
    AIR_BOUNDARIES_MOST = 2 * AIR_COLUMNS_MOST
};

/* A step takes the values a and b, or the value a and a constant (an element). */
enum air_operation { AIR_ADD, AIR_SUBTRACT, AIR_MULTIPLY, AIR_SHIFT, AIR_SCALE };

struct air_step {
    uint32_t operation;
    uint32_t a;
    uint32_t b;
    uint32_t constant;
};

enum air_row { AIR_FIRST, AIR_LAST, AIR_ROWS };

/* The cell of that row and column is public input number `input`. */
struct air_boundary {
    uint32_t row;
    uint32_t column;
    uint32_t input;
};

/* Value number v is a cell of the row for v < columns, one of the next row for v < 2 columns, then that of a
 * step. */
struct air {
    const struct field31 *field;
    uint32_t columns;
    uint32_t inputs;
    uint32_t steps;
    uint32_t assertions;
    uint32_t boundaries;
    uint32_t degree; /* the highest degree of an assertion */
    struct air_step step[AIR_STEPS_MOST];
    uint32_t step_degree[AIR_STEPS_MOST];
    uint32_t asserted[AIR_ASSERTIONS_MOST];
    struct air_boundary boundary[AIR_BOUNDARIES_MOST];
};

/* ---- Building one. Aborts when something does not fit. ---- */

void air_start(struct air *air, const struct field31 *field, uint32_t columns, uint32_t inputs);

/* Each returns the number of a value. */
uint32_t air_this(const struct air *air, uint32_t column);
uint32_t air_next(const struct air *air, uint32_t column);
uint32_t air_add(struct air *air, uint32_t a, uint32_t b);
uint32_t air_subtract(struct air *air, uint32_t a, uint32_t b);
uint32_t air_multiply(struct air *air, uint32_t a, uint32_t b);
uint32_t air_shift(struct air *air, uint32_t a, uint32_t constant);
uint32_t air_scale(struct air *air, uint32_t a, uint32_t constant);

/* Asserts that the value is 0 in every row but the last. */
void air_assert_zero(struct air *air, uint32_t value);

void air_bind(struct air *air, enum air_row row, uint32_t column, uint32_t input);

/* ---- Running it ---- */

/* All values. */
size_t air_values(const struct air *air);

/* Runs the steps on `count` rows: value v of row i is values[v * count + i]. The cells are set. */
void air_run_rows(const struct air *air, uint32_t *values, size_t count);

/* The same at one point of the extension field. */
void air_run_point(const struct air *air, struct extension *values);

/* The quotient of the constraints by the polynomial that vanishes on the trace is cut into chunks
 * with as many coefficients as the trace has rows. This is log2 of the number of chunks. */
unsigned air_log_chunks(const struct air *air);

#endif
