/*
 * table.h - what became of the proofs, counted, and the file that it is kept in.
 *
 * A campaign is cut into SLICES slices, whatever the parts are that it is run in: part I of N has the slices whose number
 * is I - 1 modulo N. The file of a part is like that of all but for what it lacks; merging adds the counts up. So the
 * merged file is the same, byte for byte, whatever the number of parts. It ends in a checksum of what comes before.
 *
 * Rows, by their first column: campaign (seed and size), cell (a prover, a damage, a kind of block and a moment), sum
 * (cells added up: "all" stands for what is not told apart), case (why proofs that differ verify), control, slice, end.
 */
#ifndef SOUNDNESS_TABLE_H
#define SOUNDNESS_TABLE_H

#include "control.h"

#include <stdio.h>

enum {
    TABLE_SLICES = 120,
    TABLE_DAMAGES = DAMAGES + TACTICS, /* accidents, then lies alone */
    TABLE_CELLS = PROVERS * 2 * TABLE_DAMAGES * WATCH_KINDS * WATCH_MOMENTS,
};

/* What a cell is about; in a sum, what is not told apart is one more than the greatest of its values. */
struct table_selection {
    unsigned prover;
    unsigned lying; /* 1: the claim is false before the accident */
    unsigned damage;
    unsigned kind;
    unsigned moment;
};

/* What follows the check in the note of a control for which only accidents were tried. */
#define TABLE_ACCIDENTS " by accident"

struct table_slice {
    bool run;
    uint64_t checksum; /* of what became of each of its proofs, in their order */
    uint64_t counts[OUTCOMES];
};

struct table {
    uint64_t seed;
    uint64_t proofs;
    uint64_t counts[TABLE_CELLS][OUTCOMES];
    uint64_t reasons[PROVERS][REASONS];
    struct table_slice slices[TABLE_SLICES];
    struct control controls[CONTROLS_MOST];
    unsigned control_count;
};

/* Nothing is run yet. */
void table_start(struct table *table, uint64_t seed, uint64_t proofs);

/* Counts one proof of a slice, in their order. */
void table_count(struct table *table, unsigned slice, const struct trial *trial,
                 struct verdict verdict);

/* Can a file be written there? If not, says so, and exits with 2: before the work, not after it. */
void table_try(const char *path);

/* Writes the file, whole or not at all. Says why not, and exits with 2. */
void table_write(const struct table *table, const char *path);

/* Adds a file of the same campaign. What is wrong with it - not such a file, cut, of another campaign, or with a slice
 * that the table has already - is said, and exit 2. The first file says which campaign it is, if seed and proofs are 0. */
void table_add(struct table *table, const char *path);

/* The first slice or control that was not run, as text in a static buffer; NULL if all were. */
const char *table_lacks(const struct table *table);

static const struct table_selection table_all = {PROVERS, 2, TABLE_DAMAGES, WATCH_KINDS,
                                                 WATCH_MOMENTS};

/* Counts of the proofs that the selection is about. */
void table_sum(const struct table *table, struct table_selection selection,
               uint64_t counts[OUTCOMES]);

/* Where in the counts a cell is. */
size_t table_place(struct table_selection cell);

uint64_t table_proofs(const uint64_t counts[OUTCOMES]);

/* With none of so many found, the 95 % upper bound of the probability: 3 / N. */
double table_bound(uint64_t proofs);

/* An accident, or DAMAGES and a tactic. */
unsigned table_damage_of(const struct trial *trial);

const char *table_damage_name(unsigned damage);

/* Is the claim false before the accident: 0 or 1; 2 stands for both. */
const char *table_claim_name(unsigned lying);

#endif
