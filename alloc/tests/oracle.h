/*
 * oracle.h - a stream of operations on the allocator, and a model that knows what must hold after each.
 *
 * The model is a table of slots. A slot is empty or holds a live block, filled with a pattern made from
 * the block's number. Every operation is defined in every state (allocating into a full slot first frees
 * what is there, freeing an empty one does nothing). So any part of a sequence is a sequence too, which
 * is why failing ones can be shrunk, and why any bytes are a test case for the fuzzer.
 *
 * Checked: patterns, when a block is freed or moved, at every begin, and at the end; usable size,
 * alignment, zeroes of calloc, no overlap; the results of phase calls; the count of retained blocks at
 * each begin; who holds a slab, and that a block due to the arena comes from elsewhere only if that is
 * counted as overflow; and at the end, when all is freed, that each slab is entirely free.
 *
 * A fork is an operation. The child has the table, and one thread: it checks what lives, runs operations
 * of its own, and exits with a status that the parent checks.
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

/* While AddressSanitizer ends a thread, a child forked in a handler finds its allocator locked, and even _exit needs
 * memory from that. */
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
    ORACLE_EXIT,  /* the thread ends; its next operation starts a new one */
    ORACLE_FORK,  /* slot: which call; size: seed for the child's operations; align: how many */
    ORACLE_WHOLE, /* with nothing live: the thread's slab must serve a block of its own size */
    ORACLE_KINDS
};

/* How a process is forked. */
enum oracle_way {
    ORACLE_BY_FORK,
    ORACLE_BY_BARE_FORK, /* _Fork: no handlers */
    ORACLE_BY_SYSCALL,   /* unknown to the C library: the fork call, where there is one */
    ORACLE_BY_CLONE,     /* or the clone call */
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

/* The configuration of a process; fixed by its first begin. */
struct oracle_setup {
    enum zk_recycle recycle;
    enum zk_nesting nesting;
    enum zk_pretenure pretenure;
    bool poison_reset;
    enum oracle_wipe wipe;
    size_t min_bytes;
    size_t slab_bytes;
    unsigned threads;
    unsigned forks; /* in a million random operations */
};

struct oracle_block {
    char *p; /* NULL in an empty slot */
    size_t size;
    size_t usable;
    uint64_t number;
    uint64_t generation; /* in which it was allocated, by the model's count */
    unsigned thread;
    bool arena;
};

/* Sizes from `from` to below `below`. */
struct oracle_sizes {
    size_t from;
    size_t below;
};

struct oracle {
    struct oracle_setup setup;
    struct oracle_block blocks[ORACLE_SLOTS];
    uint64_t next_number;
    /* The phase, if threads take turns; unknown if they run freely. */
    bool exact;
    unsigned depth; /* begins not yet ended; 0 outside of phases */
    unsigned owner; /* the thread that began */
    uint64_t generation;
    bool ever_discarded;
    bool discarded; /* a phase was; its blocks count as retained until recycled */
    /* The slabs, if threads take turns. */
    bool known[ORACLE_THREADS_MAX];     /* the allocator has met the thread */
    bool holds[ORACLE_THREADS_MAX];     /* the thread has a slab */
    unsigned holders;                   /* threads that have one */
    unsigned slabs;                     /* how many there are, as far as is known */
    unsigned holders_most;              /* ever */
    uint64_t overflows;                 /* what the stats must show */
    struct oracle_sizes learned;        /* by pretenuring, when the stats were last seen */
    struct oracle_sizes learned_before; /* and the time before that */
    /* In the child of a fork. */
    unsigned forks;     /* forks between the test's process and this one */
    unsigned forker;    /* the thread that made the last fork; ORACLE_THREADS_MAX: none */
    unsigned vanished;  /* slabs held by threads that do not exist here, until forker settles */
    unsigned lost;      /* upper bound for retired slabs: a thread was in the middle of a change */
    uint64_t kept;      /* live arena blocks that are in no slot */
    uint64_t strangers; /* upper bound for more such: a thread was making or freeing them */
    bool arena_only;    /* do not use system, which may be locked for ever */
    /* What to do at a failure. */
    bool aborts;             /* abort, rather than exit with a status */
    _Atomic size_t progress; /* operations started */
};

/* ---- oracle.c: the model ---- */

/* Configures the allocator. Call before anything else in the process. */
void oracle_start(struct oracle *oracle, const struct oracle_setup *setup);

/* Notes of these stats, which were taken just now, what changes without the model. */
void oracle_note_stats(struct oracle *oracle, const struct zk_stats *stats);

/* Runs one operation on the calling thread. Does not return if anything is wrong. EXIT is only
 * recorded; the caller ends the thread. */
void oracle_step(struct oracle *oracle, const struct oracle_op *op);

/* Allocates once on the thread, so that the allocator knows it; accounts for the block. */
void oracle_make_known(struct oracle *oracle, unsigned thread);

/* The thread has ended, or does not exist in this process. */
void oracle_drop_holder(struct oracle *oracle, unsigned thread);

/* Checks every block in the table. */
void oracle_check_all(struct oracle *oracle);

/* May the block be sized and freed? Not if that may wait for system's lock for ever. */
static inline bool oracle_reaches(const struct oracle *oracle, const struct oracle_block *block)
{
    return block->arena || !oracle->arena_only;
}

/* Writes the pattern of block `number`; checks a block's pattern. */
void oracle_fill(char *p, size_t size, uint64_t number);
void oracle_check_block(struct oracle *oracle, const struct oracle_block *block);

/* One line on stdout, then the end of the process. */
__attribute__((noreturn, format(printf, 3, 4))) void
oracle_fail(const struct oracle *oracle, int status, const char *format, ...);

/* ---- oracle_stream.c: where operations come from ---- */

/* The same numbers in every run. */
uint64_t oracle_random(uint64_t *state);

void oracle_random_setup(uint64_t seed, struct oracle_setup *setup);
struct oracle_op oracle_random_op(uint64_t *state, const struct oracle_setup *setup,
                                  unsigned thread);
void oracle_random_ops(uint64_t seed, const struct oracle_setup *setup, struct oracle_op *ops,
                       size_t count);

/* Decodes as many operations as the bytes hold, at most room. */
size_t oracle_decode(const uint8_t *bytes, size_t size, const struct oracle_setup *setup,
                     struct oracle_op *ops, size_t room);

void oracle_print(FILE *out, const struct oracle_setup *setup, const struct oracle_op *ops,
                  size_t count);

/* Reads what oracle_print wrote into *ops, which is allocated. Returns the number of the bad line,
 * or 0. */
size_t oracle_parse(FILE *in, struct oracle_setup *setup, struct oracle_op **ops, size_t *count);

/* ---- oracle_fork.c: processes ---- */

/* Like fork. */
pid_t oracle_fork(enum oracle_way way);

/* Turns the parent's model into that of the child, which the thread forker has forked. */
void oracle_enter_child(struct oracle *oracle, enum oracle_way way, unsigned forker);

/* In the parent: waits for the child, and fails in the same way if it has failed. */
void oracle_await(const struct oracle *oracle, pid_t child, enum oracle_way way);

/* ---- oracle_run.c: threads that take turns ---- */

/* Runs the operations on threads that take turns: the same every time. Then frees what is live,
 * checks that the slabs are empty, and leaves no phase active. Can be called again. */
void oracle_run(struct oracle *oracle, const struct oracle_op *ops, size_t count);

/* In a child, after oracle_enter_child: runs what the operation says, with the calling thread as forker, in
 * turns with new threads unless it is to stay alone. Exits. */
__attribute__((noreturn)) void oracle_run_child(struct oracle *oracle, const struct oracle_op *op,
                                                bool stays_alone);

/* ---- oracle_lanes.c: threads that run freely ---- */

/* Every thread runs its own random operations, and frees blocks of the others; no discards. If there are
 * forks, some are made in the handler of a signal that may come at any moment. */
void oracle_run_concurrent(struct oracle *oracle, uint64_t seed, size_t count);

#endif
