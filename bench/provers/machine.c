/*
 * machine.c - the machine: its loop, its executor, and its constraints.
 */
#include "machine.h"

#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum operation { operation_add, operation_subtract, operation_multiply, operation_scale };

/* An instruction takes register a, and register b or, for a multiplication by a constant, the
 * number b. */
struct instruction {
    enum operation operation;
    uint32_t a;
    uint32_t b;
};

static const struct instruction loop[MACHINE_INSTRUCTIONS] = {
    {operation_multiply, 1, 2},  {operation_add, 3, 14},       {operation_multiply, 4, 5},
    {operation_scale, 6, 12345}, {operation_multiply, 8, 8},   {operation_subtract, 9, 10},
    {operation_multiply, 7, 15}, {operation_multiply, 12, 13},
};

uint32_t machine_step(const struct field31 *field, const uint32_t registers[MACHINE_REGISTERS],
                      uint64_t cycle)
{
    const struct instruction *instruction = &loop[cycle % MACHINE_INSTRUCTIONS];
    const uint32_t a = registers[instruction->a];
    const uint32_t b = registers[instruction->b % MACHINE_REGISTERS];
    uint32_t result = 0;

    switch (instruction->operation) {
    case operation_add:
        result = field31_add(field, a, b);
        break;
    case operation_subtract:
        result = field31_subtract(field, a, b);
        break;
    case operation_multiply:
        result = field31_multiply(field, a, b);
        break;
    case operation_scale:
        result = field31_multiply(field, a, field31_from(field, instruction->b));
        break;
    }
    return field31_add(field, registers[0], result);
}

/* The array grows as a Vec does: to twice the capacity, with a new block and a copy. */
uint32_t *machine_execute(const struct field31 *field, const uint32_t start[MACHINE_REGISTERS],
                          size_t cycles)
{
    size_t capacity = 4 * (size_t)MACHINE_REGISTERS;
    uint32_t *numbers = workload_alloc(capacity * sizeof *numbers);

    memcpy(numbers, start, MACHINE_REGISTERS * sizeof *numbers);
    for (size_t cycle = 0; cycle < cycles; cycle++) {
        if (cycle + MACHINE_REGISTERS == capacity) {
            uint32_t *grown = workload_alloc(2 * capacity * sizeof *grown);

            memcpy(grown, numbers, capacity * sizeof *grown);
            free(numbers);
            numbers = grown;
            capacity *= 2;
        }
        numbers[cycle + MACHINE_REGISTERS] = machine_step(field, numbers + cycle, cycle);
    }
    return numbers;
}

uint32_t *machine_trace(const struct field31 *field, const uint32_t *numbers, size_t first,
                        size_t rows)
{
    uint32_t *trace = workload_zeroed(rows * MACHINE_COLUMNS * sizeof *trace);

#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++) {
        uint32_t *row = trace + i * MACHINE_COLUMNS;

        memcpy(row, numbers + first + i, MACHINE_REGISTERS * sizeof *row);
        row[MACHINE_REGISTERS + (first + i) % MACHINE_INSTRUCTIONS] = field->one;
    }
    return trace;
}

static uint32_t result_of(struct air *air, const struct instruction *instruction)
{
    const uint32_t a = air_this(air, instruction->a);

    switch (instruction->operation) {
    case operation_add:
        return air_add(air, a, air_this(air, instruction->b));
    case operation_subtract:
        return air_subtract(air, a, air_this(air, instruction->b));
    case operation_multiply:
        return air_multiply(air, a, air_this(air, instruction->b));
    case operation_scale:
        return air_scale(air, a, field31_from(air->field, instruction->b));
    }
    abort();
}

/* The first row, which is public, says which instruction's turn it is, and then it is always the
 * next one's turn: the columns for the turn need no other constraint. */
void machine_air(struct air *air, const struct field31 *field)
{
    uint32_t expected;

    air_start(air, field, MACHINE_COLUMNS, MACHINE_INPUTS);
    expected = air_this(air, 0);
    for (uint32_t i = 0; i < MACHINE_INSTRUCTIONS; i++) {
        const uint32_t turn = MACHINE_REGISTERS + i;
        const uint32_t next = MACHINE_REGISTERS + (i + 1) % MACHINE_INSTRUCTIONS;
        const uint32_t result = result_of(air, &loop[i]);

        expected = air_add(air, expected, air_multiply(air, air_this(air, turn), result));
        air_assert_zero(air, air_subtract(air, air_next(air, next), air_this(air, turn)));
        air_bind(air, AIR_FIRST, turn, 2 * MACHINE_REGISTERS + i);
    }
    for (uint32_t i = 0; i < MACHINE_REGISTERS; i++) {
        const bool last = i == MACHINE_REGISTERS - 1;

        air_assert_zero(
            air, air_subtract(air, air_next(air, i), last ? expected : air_this(air, i + 1)));
        air_bind(air, AIR_FIRST, i, i);
        air_bind(air, AIR_LAST, i, MACHINE_REGISTERS + i);
    }
}

void machine_inputs(const struct field31 *field, const uint32_t start[MACHINE_REGISTERS],
                    const uint32_t end[MACHINE_REGISTERS], size_t first,
                    uint32_t inputs[MACHINE_INPUTS])
{
    memset(inputs, 0, MACHINE_INPUTS * sizeof *inputs);
    memcpy(inputs, start, MACHINE_REGISTERS * sizeof *inputs);
    memcpy(inputs + MACHINE_REGISTERS, end, MACHINE_REGISTERS * sizeof *inputs);
    inputs[2 * MACHINE_REGISTERS + first % MACHINE_INSTRUCTIONS] = field->one;
}
