/*
 * oracle.h - a stream of operations on the allocator, and a model that says what must hold after
 * each of them.
 *
 * The model is a table of slots. A slot is empty or holds a live block, filled with a pattern made
 * from the block's number. Every operation is defined in every state (allocating into a full slot
 * frees what is there first, freeing an empty one does nothing), so that any part of a sequence is
 * a sequence: that is what makes failing ones shrink, and any bytes a test case for the fuzzer.
 *
 * Checked: patterns, when a block is freed or moved, at every begin, and at the end; usable size,
 * alignment, zeroes of calloc, no overlap; the results of phase calls; the count of retained blocks
 * at each begin; and at the end, when all is freed, that each slab is free as a whole.
 */
#ifndef ZK_ORACLE_H
#define ZK_ORACLE_H

#include "zkalloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    ORACLE_SLOTS = 96,
    ORACLE_THREADS_MAX = 8,
    /* Exit statuses of a run that failed. */
    ORACLE_PATTERN = 31, /* the bytes of a live block changed */
    ORACLE_OVERLAP = 32, /* a block lies on a live one */
    ORACLE_WRONG = 33    /* anything else */
};

enum oracle_kind {
    ORACLE_MALLOC,
    ORACLE_ALIGNED,
    ORACLE_CALLOC,
    ORACLE_REALLOC,
    ORACLE_REALLOC_SIZED,
    ORACLE_FREE,
    ORACLE_BEGIN,
    ORACLE_END,
    ORACLE_DISCARD,
    ORACLE_EXIT,  /* the thread ends; its next operation starts another one */
    ORACLE_WHOLE, /* with nothing live: the thread's slab can serve a block of its own size */
    ORACLE_KINDS
};

struct oracle_op {
    enum oracle_kind kind;
    unsigned thread;
    unsigned slot;
    size_t size;
    size_t align;
};

/* What a process runs under; fixed by its first begin. */
struct oracle_setup {
    enum zk_recycle recycle;
    enum zk_nesting nesting;
    bool poison_reset;
    size_t min_bytes;
    size_t slab_bytes;
    unsigned threads;
};

struct oracle_block {
    char *p; /* NULL in an empty slot */
    size_t size;
    size_t usable;
    uint64_t number;
    uint64_t generation; /* the model's, in which it was allocated */
    unsigned thread;
    bool arena;
};

struct oracle {
    struct oracle_setup setup;
    struct oracle_block blocks[ORACLE_SLOTS];
    uint64_t next_number;
    /* The phase, where threads take turns; where they run freely, nobody knows. */
    bool exact;
    unsigned depth; /* begins not yet ended; 0 outside of phases */
    unsigned owner; /* the thread that began */
    uint64_t generation;
    bool discarded; /* some phase was: its blocks count as retained until their slab is recycled */
    /* Of a failure. */
    bool aborts;             /* or exits with a status */
    _Atomic size_t progress; /* operations started */
};

/* ---- oracle.c: the model ----------------------------------------------------------------------
 */

/* Configures the allocator; before anything else in the process. */
void oracle_start(struct oracle *oracle, const struct oracle_setup *setup);

/* Runs one operation on the calling thread. Does not return if anything is wrong. EXIT is only
 * noted; the caller ends the thread. */
void oracle_step(struct oracle *oracle, const struct oracle_op *op);

/* The pattern of block number in size bytes at p; or, does it hold? */
void oracle_fill(char *p, size_t size, uint64_t number);
void oracle_check_block(struct oracle *oracle, const struct oracle_block *block);

/* One line on stdout, then the end of the process. */
__attribute__((noreturn, format(printf, 3, 4))) void
oracle_fail(const struct oracle *oracle, int status, const char *format, ...);

/* ---- oracle_stream.c: where operations come from ------------------------------------------------
 */

/* The same numbers in every run. */
uint64_t oracle_random(uint64_t *state);

void oracle_random_setup(uint64_t seed, struct oracle_setup *setup);
struct oracle_op oracle_random_op(uint64_t *state, const struct oracle_setup *setup,
                                  unsigned thread);
void oracle_random_ops(uint64_t seed, const struct oracle_setup *setup, struct oracle_op *ops,
                       size_t count);

/* As many operations as the bytes hold, at most room. */
size_t oracle_decode(const uint8_t *bytes, size_t size, const struct oracle_setup *setup,
                     struct oracle_op *ops, size_t room);

void oracle_print(FILE *out, const struct oracle_setup *setup, const struct oracle_op *ops,
                  size_t count);

/* Reads what oracle_print wrote into *ops, from malloc. The number of the bad line, or 0. */
size_t oracle_parse(FILE *in, struct oracle_setup *setup, struct oracle_op **ops, size_t *count);

/* ---- oracle_run.c: threads --------------------------------------------------------------------
 */

/* The threads take turns, as the operations say: the same every time. Then frees what is live,
 * checks that the slabs are empty, and leaves no phase active. Can be called again. */
void oracle_run(struct oracle *oracle, const struct oracle_op *ops, size_t count);

/* Every thread runs its own random operations, and frees blocks of the others; no discards. */
void oracle_run_concurrent(struct oracle *oracle, uint64_t seed, size_t count);

#endif
