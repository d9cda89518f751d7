/*
 * damage.h - what a phase bug does to a block.
 */
#ifndef SOUNDNESS_DAMAGE_H
#define SOUNDNESS_DAMAGE_H

#include "memory.h"

enum damage {
    DAMAGE_RANDOM17, /* 17 random bytes, at any place */
    DAMAGE_INJECTOR, /* what a push into a job queue writes: two pointers and a flag, on a word */
    DAMAGE_FILLER, /* the whole block: 0xaa as the harness fills what it recycles, or zeros, half of the time each */
    DAMAGE_STALE, /* the whole block: what the previous proof had there at that event */
    DAMAGE_SHARED, /* another live block was given the same memory: from now on its bytes are seen here */
    DAMAGE_BIT,  /* one bit */
    DAMAGE_TORN, /* from a word on, what the previous proof had there */
    DAMAGES
};

const char *damage_name(enum damage damage);

/* Does it need what the previous proof had there? */
bool damage_needs_previous(enum damage damage);

/* A block whose memory two owners have. */
struct damage_sharing {
    bool on;
    struct memory_block victim;
    struct memory_block other;
};

/* Damages the block. previous: as many bytes, where needed. What is random depends on *random only. A sharing is on
 * after DAMAGE_SHARED, unless no other block is alive. */
void damage_block(enum damage damage, const struct memory *memory, const struct memory_block *block,
                  const uint8_t *previous, uint64_t *random, struct damage_sharing *sharing);

/* At each event from then on: the other owner's bytes, as long as both are alive. */
void damage_share(const struct memory *memory, struct damage_sharing *sharing);

#endif
