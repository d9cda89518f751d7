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
 * at each begin; who holds a slab, and that a block that is due to the arena comes from elsewhere only
 * when that is counted as overflow; and at the end, when all is freed, that each slab is free as a whole.
 *
 * A fork is an operation. The child has the table, and one thread: it checks what lives, goes on with
 * operations of its own, and exits with a status that the parent looks at.
 */
#ifndef ZK_ORACLE_H
#define ZK_ORACLE_H

#include "zkalloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* ThreadSanitizer starts no threads in the child of a process with threads, and its malloc may be locked there for
 * ever. */
#if defined(__SANITIZE_THREAD__)
enum { ORACLE_UNDER_TSAN = 1 };
#else
enum { ORACLE_UNDER_TSAN = 0 };
#endif

/* Where AddressSanitizer ends a thread, a fork in a handler finds its allocator locked, and even _exit wants memory of it. */
#if defined(__SANITIZE_ADDRESS__)
enum { ORACLE_UNDER_ASAN = 1 };
#else
enum { ORACLE_UNDER_ASAN = 0 };
#endif

enum {
    ORACLE_SLOTS = 96,
    ORACLE_THREADS_MAX = 32,
    ORACLE_FORKS_DEEP = 3, /* children of children of children */
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
    ORACLE_FORK,  /* slot: by which call; size: the seed of what the child does; align: how much */
    ORACLE_WHOLE, /* with nothing live: the thread's slab can serve a block of its own size */
    ORACLE_KINDS
};

/* How a process is forked. */
enum oracle_way {
    ORACLE_BY_FORK,
    ORACLE_BY_BARE_FORK, /* _Fork: no handlers */
    ORACLE_BY_SYSCALL,   /* behind the C library's back: fork, where there is such a call */
    ORACLE_BY_CLONE,     /* or clone */
    ORACLE_WAYS
};

struct oracle_op {
    enum oracle_kind kind;
    unsigned thread;
    unsigned slot;
    size_t size;
    size_t align;
};

enum oracle_wipe { ORACLE_WIPE_NEVER, ORACLE_WIPE_PHASE, ORACLE_WIPE_CALL };

/* What a process runs under; fixed by its first begin. */
struct oracle_setup {
    enum zk_recycle recycle;
    enum zk_nesting nesting;
    enum zk_pretenure pretenure;
    bool poison_reset;
    enum oracle_wipe wipe;
    size_t min_bytes;
    size_t slab_bytes;
    unsigned threads;
    unsigned forks; /* of a million random operations */
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
    bool ever_discarded;
    bool discarded; /* some phase was: its blocks count as retained until their slab is recycled */
    /* The slabs, where threads take turns. */
    bool known[ORACLE_THREADS_MAX]; /* the allocator has met the thread */
    bool holds[ORACLE_THREADS_MAX]; /* and it has one */
    unsigned holders;               /* threads that have */
    unsigned slabs;                 /* that there are, as far as is known */
    unsigned holders_most;          /* ever */
    uint64_t overflows;             /* as the stats must count them */
    /* In the child of a fork. */
    unsigned forks;    /* between the test's process and this one */
    unsigned forker;   /* the thread that made the last one; or none, ORACLE_THREADS_MAX */
    unsigned vanished; /* slabs held by threads that are not here, until forker has come by */
    unsigned lost; /* slabs, at most, that nobody may hold: a thread was in the middle of them */
    uint64_t kept; /* arena blocks that live, and are in no slot */
    uint64_t
        strangers; /* more of them, at most: a thread was in the middle of making them, or freeing */
    bool arena_only; /* system may be locked for ever */
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

/* One that an allocation may come from: if the arena serves it, it is accounted for. */
void oracle_make_known(struct oracle *oracle, unsigned thread);

/* A thread has ended, or is not here. */
void oracle_drop_holder(struct oracle *oracle, unsigned thread);

/* Checks every block in the table. */
void oracle_check_all(struct oracle *oracle);

/* May the allocator be asked about the block, and given it back? Not where that may wait for system for ever. */
static inline bool oracle_reaches(const struct oracle *oracle, const struct oracle_block *block)
{
    return block->arena || !oracle->arena_only;
}

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

/* ---- oracle_fork.c: processes -------------------------------------------------------------------
 */

/* As fork. */
pid_t oracle_fork(enum oracle_way way);

/* What the model knows is the parent's: makes it the child's, forked by the thread forker. */
void oracle_enter_child(struct oracle *oracle, enum oracle_way way, unsigned forker);

/* The parent: waits for the child, and fails as it has failed. */
void oracle_await(const struct oracle *oracle, pid_t child, enum oracle_way way);

/* ---- oracle_run.c: threads that take turns ------------------------------------------------------
 */

/* The threads take turns, as the operations say: the same every time. Then frees what is live,
 * checks that the slabs are empty, and leaves no phase active. Can be called again. */
void oracle_run(struct oracle *oracle, const struct oracle_op *ops, size_t count);

/* In a child, after oracle_enter_child: the calling thread goes on as its forker, in turns with new threads
 * unless it is to stay alone, with what the operation says. Exits. */
__attribute__((noreturn)) void oracle_run_child(struct oracle *oracle, const struct oracle_op *op,
                                                bool stays_alone);

/* ---- oracle_lanes.c: threads that run freely ----------------------------------------------------
 */

/* Every thread runs its own random operations, and frees blocks of the others; no discards. If there are
 * forks, some are made in the handler of a signal that comes at any moment. */
void oracle_run_concurrent(struct oracle *oracle, uint64_t seed, size_t count);

#endif
