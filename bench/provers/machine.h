/*
 * machine.h - a small virtual machine whose execution is proven: 16 registers, and an endless loop
 * of eight instructions. Each instruction computes a number from the registers and register 0, and
 * shifts it in as the last register; so the start and one number per cycle describe an execution.
 *
 * The trace has the registers, and for each instruction a column that says whether it is its turn.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "air.h"

enum {
    MACHINE_REGISTERS = 16,
    MACHINE_INSTRUCTIONS = 8,
    MACHINE_COLUMNS = MACHINE_REGISTERS + MACHINE_INSTRUCTIONS,
    /* Public: the first row's registers, the last row's, and whose turn it is in the first row. */
    MACHINE_INPUTS = 2 * MACHINE_REGISTERS + MACHINE_INSTRUCTIONS
};

/* The number that the cycle-th instruction of the execution computes. */
uint32_t machine_step(const struct field31 *field, const uint32_t registers[MACHINE_REGISTERS],
                      uint64_t cycle);

/* The start and `cycles` cycles: number i is register 0 of cycle i, in a fresh block of
 * cycles + MACHINE_REGISTERS elements or more. The caller frees it. */
uint32_t *machine_execute(const struct field31 *field, const uint32_t start[MACHINE_REGISTERS],
                          size_t cycles);

/* The trace of cycles first to first + rows - 1, row-major, in a fresh block. On all OpenMP threads. The caller
 * frees it. */
uint32_t *machine_trace(const struct field31 *field, const uint32_t *numbers, size_t first,
                        size_t rows);

void machine_air(struct air *air, const struct field31 *field);

/* The public inputs of a trace that begins with cycle `first`. */
void machine_inputs(const struct field31 *field, const uint32_t start[MACHINE_REGISTERS],
                    const uint32_t end[MACHINE_REGISTERS], size_t first,
                    uint32_t inputs[MACHINE_INPUTS]);

#endif
