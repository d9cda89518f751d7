/*
 * table.h - counts of what became of the proofs, and the file that stores them.
 *
 * A campaign has SLICES slices, however many parts it is run in: part I of N has the slices whose
 * number is I - 1 modulo N. The file of a part has the same format, but lacks the other slices;
 * merging adds the counts. So the merged file is the same, byte for byte, whatever the number of
 * parts. It ends in a checksum of what comes before.
 *
 * Rows, by their first column: campaign (seed and size), cell (a prover, a damage, a kind of block
 * and a moment), sum (cells added up; "all" stands for any value), case (why proofs that differ
 * verify), control, slice, end.
 */
#ifndef SOUNDNESS_TABLE_H
#define SOUNDNESS_TABLE_H

#include "control.h"

#include <stdio.h>

enum {
    TABLE_SLICES = 120,
    TABLE_DAMAGES = DAMAGES + TACTICS, /* accidents, then lies without accidents */
    TABLE_CELLS = PROVERS * 2 * TABLE_DAMAGES * WATCH_KINDS * WATCH_MOMENTS,
};

/* What a cell is about; in a sum, "any value" is one more than the greatest value of the field. */
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
    uint64_t checksum; /* of the outcomes of its proofs, in order */
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

/* Starts a table in which nothing has been run yet. */
void table_start(struct table *table, uint64_t seed, uint64_t proofs);

/* Counts one proof of a slice, in their order. */
void table_count(struct table *table, unsigned slice, const struct trial *trial,
                 struct verdict verdict);

/* Checks that a file can be written there, before the work and not after it. If not, prints that
 * and exits with 2. */
void table_try(const char *path);

/* Writes the file, completely or not at all. On failure prints why, and exits with 2. */
void table_write(const struct table *table, const char *path);

/* Adds a file of the same campaign. If it is no such file, is truncated, comes from another
 * campaign, or has a slice that the table already has, prints that and exits with 2. If seed and
 * proofs are 0, the first file determines the campaign. */
void table_add(struct table *table, const char *path);

/* The first slice or control that was not run, as text in a static buffer; NULL if all were run. */
const char *table_lacks(const struct table *table);

static const struct table_selection table_all = {PROVERS, 2, TABLE_DAMAGES, WATCH_KINDS,
                                                 WATCH_MOMENTS};

/* Counts of the proofs that the selection is about. */
void table_sum(const struct table *table, struct table_selection selection,
               uint64_t counts[OUTCOMES]);

/* The index of a cell in the counts. */
size_t table_place(struct table_selection cell);

uint64_t table_proofs(const uint64_t counts[OUTCOMES]);

/* The 95 % upper bound of the probability if none of N proofs is false: 3 / N. */
double table_bound(uint64_t proofs);

/* An accident, or DAMAGES and a tactic. */
unsigned table_damage_of(const struct trial *trial);

const char *table_damage_name(unsigned damage);

/* Is the claim false before the accident: 0 or 1; 2 stands for both. */
const char *table_claim_name(unsigned lying);

#endif
