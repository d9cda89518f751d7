/*
 * small_scope.h - runs one short sequence of operations on a slab of few chunks, and checks what must hold after each.
 * See test_small_scope.c, which generates all sequences.
 */
#ifndef ZK_SMALL_SCOPE_H
#define ZK_SMALL_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCOPE_LENGTH_MAX = 12, SCOPE_CLASSES = 3 };

struct scope_op {
    char what;
    unsigned which; /* class or block */
};

struct scope_block {
    char *p;
    size_t size;
    size_t usable;
    uint64_t number;
    unsigned class;
    bool live;
    bool arena;
    bool young; /* allocated in this phase */
};

/* The state that a sequence has reached. */
struct scope_state {
    struct scope_block blocks[SCOPE_LENGTH_MAX];
    unsigned count;
    struct scope_block
        places[SCOPE_LENGTH_MAX]; /* every block ever served, even if dead or moved */
    unsigned served;
    bool active;
    bool fresh;     /* no block has been made in this phase yet */
    bool discarded; /* a phase was; its blocks count as retained until recycled */
};

struct scope_setup {
    unsigned slab_chunks;
    unsigned age;     /* how many phases begin for each b */
    bool real_thread; /* "elsewhere" is really another thread */
    bool blind;       /* blind recycling, in which errors must be found */
    bool oracle;      /* the oracle runs the sequence, not scope_run */
};

/* The sequence that is running, and counts of what has run. */
struct scope {
    struct scope_setup setup;
    struct scope_op path[SCOPE_LENGTH_MAX];
    unsigned length; /* how much of it runs */
    uint64_t next_number;
    uint64_t sequences;
    uint64_t strays; /* blocks for which the arena had no room */
    uint64_t grown_in_place;
    uint64_t moved;
};
extern struct scope scope;

/* Configures the allocator, and begins the first phase. Call once, after filling scope.setup. */
void scope_start(void);

/* Runs the first length operations of scope.path, frees what lives, and leaves the slab as good as new, in a phase.
 * *state is the state before that. Does not return if anything is wrong. */
void scope_run(unsigned length, struct scope_state *state);

/* Makes a signal that ends the process print the sequence first. Called by scope_start. */
void scope_watch(void);

/* Prints a line and the sequence, and exits with status 1. block: the block in question, or NULL. */
__attribute__((noreturn)) void scope_fail(const struct scope_block *block, const char *what);

#endif
