/*
 * small_scope.h - one short sequence of operations on a slab of few chunks, and what must hold after each of them. See
 * test_small_scope.c, which makes up all of them.
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
    bool young; /* of this phase */
};

/* What a sequence has come to. */
struct scope_state {
    struct scope_block blocks[SCOPE_LENGTH_MAX];
    unsigned count;
    struct scope_block
        places[SCOPE_LENGTH_MAX]; /* all that was ever served, dead or moved as it may be */
    unsigned served;
    bool active;
    bool fresh;     /* no block was made in this phase as yet */
    bool discarded; /* some phase was: its blocks count as retained until the slab is recycled */
};

struct scope_setup {
    unsigned slab_chunks;
    unsigned age;     /* phases that begin for each b */
    bool real_thread; /* elsewhere is another thread */
    bool blind;       /* recycling, which must be found wrong */
    bool oracle;      /* the oracle runs the sequence, and not scope_run */
};

/* The sequence that runs, and what has run. */
struct scope {
    struct scope_setup setup;
    struct scope_op path[SCOPE_LENGTH_MAX];
    unsigned length; /* of it, that runs */
    uint64_t next_number;
    uint64_t sequences;
    uint64_t strays; /* blocks for which the arena had no room */
    uint64_t grown_in_place;
    uint64_t moved;
};
extern struct scope scope;

/* Configures the allocator, and begins the first phase; once, after scope.setup is filled. */
void scope_start(void);

/* Runs the first length operations of scope.path, frees what lives, and leaves the slab as good as new, in a phase.
 * *state is what they came to. Does not return if anything is wrong. */
void scope_run(unsigned length, struct scope_state *state);

/* A signal that ends the process has the sequence told first. Part of scope_start. */
void scope_watch(void);

/* A line, the sequence, and exit status 1. block: what it is about, or NULL. */
__attribute__((noreturn)) void scope_fail(const struct scope_block *block, const char *what);

#endif
