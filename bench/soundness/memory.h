/*
 * memory.h - the live blocks of a prover, by kind, and the events of a proof, as reported through
 * watch.h.
 *
 * Up to the event at which it is damaged, a proof allocates the same blocks in the same order each
 * time. So an event's number and a block's place in the list identify a block in every proof of
 * that prover. One proof at a time, one thread.
 */
#ifndef SOUNDNESS_MEMORY_H
#define SOUNDNESS_MEMORY_H

#include "watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEMORY_BLOCKS_MOST = 256 };

struct memory_block {
    enum watch_kind kind;
    uint8_t *start;
    size_t bytes;
};

/* What is alive now. */
struct memory {
    struct memory_block blocks[MEMORY_BLOCKS_MOST];
    size_t count;
    unsigned event; /* number of the last event, from 1; 0 before the first */
};

/* Called at each event, while a proof is made. */
typedef void (*memory_event)(void *self, struct memory *memory, enum watch_moment moment,
                             void *context);

/* From now on blocks are recorded; those made before the first proof stay in the list. */
void memory_start(void);

/* Takes the blocks that are alive before a proof out of the list, or puts them back: for provers
 * that take turns. */
void memory_keep(struct memory *kept);
void memory_restore(const struct memory *kept);

/* From now on events are counted from 1 and passed on; NULL: no more. */
void memory_observe(memory_event event, void *self);

/* Is this block in the list? */
bool memory_alive(const struct memory *memory, const struct memory_block *block);

const char *memory_kind_name(enum watch_kind kind);
const char *memory_moment_name(enum watch_moment moment);

#endif
