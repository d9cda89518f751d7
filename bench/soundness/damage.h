/*
 * damage.h - what a phase bug does to a block.
 */
#ifndef SOUNDNESS_DAMAGE_H
#define SOUNDNESS_DAMAGE_H

#include "memory.h"

enum damage {
    DAMAGE_RANDOM17, /* 17 random bytes, at any place */
    DAMAGE_INJECTOR, /* what a push into a job queue writes: two pointers and a flag, on a word */
    DAMAGE_FILLER, /* the whole block: 0xaa, as the harness fills, or zeros; half of the time each */
    DAMAGE_STALE,  /* the whole block: what the previous proof had there at that event */
    DAMAGE_SHARED, /* another live block was given the same memory: from now on its bytes are seen here */
    DAMAGE_BIT,  /* one bit */
    DAMAGE_TORN, /* from a word on, what the previous proof had there */
    DAMAGES
};

const char *damage_name(enum damage damage);

/* Does it need the previous proof's block? */
bool damage_needs_previous(enum damage damage);

/* A block whose memory has two owners. */
struct damage_sharing {
    bool on;
    struct memory_block victim;
    struct memory_block other;
};

/* Damages the block. previous: as many bytes of the previous proof, if needed. Random choices
 * depend only on *random. Sharing starts with DAMAGE_SHARED, unless no other block is alive. */
void damage_block(enum damage damage, const struct memory *memory, const struct memory_block *block,
                  const uint8_t *previous, uint64_t *random, struct damage_sharing *sharing);

/* To be called at each later event: copies the other owner's bytes, as long as both blocks are
 * alive. */
void damage_share(const struct memory *memory, struct damage_sharing *sharing);

#endif
