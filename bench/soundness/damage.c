/*
 * damage.c - what a phase bug does to a block. Nothing outside of the block is written.
 */
#include "damage.h"

#include "workload.h"

#include <string.h>

enum { stray_bytes = 17, word_bytes = 8, filler_byte = 0xaa };

const char *damage_name(enum damage damage)
{
    static const char *const names[DAMAGES] = {
        [DAMAGE_RANDOM17] = "random17", [DAMAGE_INJECTOR] = "injector", [DAMAGE_FILLER] = "filler",
        [DAMAGE_STALE] = "stale",       [DAMAGE_SHARED] = "shared",     [DAMAGE_BIT] = "bit",
        [DAMAGE_TORN] = "torn",
    };

    return names[damage];
}

bool damage_needs_previous(enum damage damage)
{
    return damage == DAMAGE_STALE || damage == DAMAGE_TORN;
}

static size_t below(uint64_t *random, size_t limit)
{
    return (size_t)(workload_random(random) % limit);
}

/* Writes as many of the bytes as there is room for. */
static void write_at(const struct memory_block *block, size_t at, const uint8_t *bytes,
                     size_t count)
{
    const size_t room = block->bytes - at;

    memcpy(block->start + at, bytes, count < room ? count : room);
}

static void write_random(const struct memory_block *block, uint64_t *random)
{
    uint8_t bytes[stray_bytes] = {0};
    const size_t at = below(random, block->bytes);

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)workload_random(random);
    write_at(block, at, bytes, sizeof bytes);
}

/* Writes a job: a pointer to the heap, aligned as malloc's blocks are, a pointer into a program,
 * and the flag that the slot is taken. */
static void write_job(const struct memory_block *block, uint64_t *random)
{
    const uint64_t data = 0x00007f0000000000 | (workload_random(random) & 0xfffffffff0);
    const uint64_t run = 0x0000550000000000 | (workload_random(random) & 0xffffffffff);
    const size_t words = (block->bytes + word_bytes - 1) / word_bytes;
    uint8_t bytes[stray_bytes] = {[2 * word_bytes] = 1};

    for (unsigned i = 0; i < word_bytes; i++) {
        bytes[i] = (uint8_t)(data >> 8 * i);
        bytes[word_bytes + i] = (uint8_t)(run >> 8 * i);
    }
    write_at(block, below(random, words) * word_bytes, bytes, sizeof bytes);
}

static void flip(const struct memory_block *block, uint64_t *random)
{
    const size_t bit = below(random, 8 * block->bytes);

    block->start[bit / 8] = (uint8_t)(block->start[bit / 8] ^ 1U << bit % 8);
}

static void tear(const struct memory_block *block, const uint8_t *previous, uint64_t *random)
{
    const size_t words = (block->bytes + word_bytes - 1) / word_bytes;
    const size_t at = below(random, words) * word_bytes;

    memcpy(block->start + at, previous + at, block->bytes - at);
}

/* Any of the other blocks. */
static void start_sharing(const struct memory *memory, const struct memory_block *block,
                          uint64_t *random, struct damage_sharing *sharing)
{
    const struct memory_block *other;

    if (memory->count < 2)
        return;
    other = &memory->blocks[below(random, memory->count - 1)];
    if (other >= block)
        other++;
    *sharing = (struct damage_sharing){.on = true, .victim = *block, .other = *other};
    damage_share(memory, sharing);
}

void damage_share(const struct memory *memory, struct damage_sharing *sharing)
{
    const struct memory_block *victim = &sharing->victim, *other = &sharing->other;

    sharing->on = sharing->on && memory_alive(memory, victim) && memory_alive(memory, other);
    if (sharing->on)
        memmove(victim->start, other->start,
                victim->bytes < other->bytes ? victim->bytes : other->bytes);
}

void damage_block(enum damage damage, const struct memory *memory, const struct memory_block *block,
                  const uint8_t *previous, uint64_t *random, struct damage_sharing *sharing)
{
    switch (damage) {
    case DAMAGE_RANDOM17:
        write_random(block, random);
        break;
    case DAMAGE_INJECTOR:
        write_job(block, random);
        break;
    case DAMAGE_FILLER:
        memset(block->start, workload_random(random) % 2 == 0 ? 0 : filler_byte, block->bytes);
        break;
    case DAMAGE_STALE:
        memcpy(block->start, previous, block->bytes);
        break;
    case DAMAGE_SHARED:
        start_sharing(memory, block, random, sharing);
        break;
    case DAMAGE_BIT:
        flip(block, random);
        break;
    case DAMAGE_TORN:
        tear(block, previous, random);
        break;
    case DAMAGES:
        break;
    }
}
