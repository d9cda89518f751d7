/*
 * span_slab.h - the sharded slab under a span registry: slots in pages that are never freed, a
 * shard for each thread that makes spans. Private to the registry's files.
 *
 * A slot's data belong to the thread that claimed it until it is published; while it is present, to
 * all threads that have acquired it; and to the thread that retired it until it is freed. A stale
 * identifier finds nothing. Nothing is checked that sharded-slab 0.1.4 (or 0.1.7: see crates.h)
 * does not check.
 */
#ifndef SPAN_SLAB_H
#define SPAN_SLAB_H

#include "span_extensions.h"
#include "span_registry.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span_data {
    uint64_t filter_map;
    const struct span_metadata *metadata;
    uint64_t parent;             /* identifier, or 0 */
    _Atomic uint64_t references; /* held by the span's users; those of guards not counted */
    struct span_extensions extensions;
};

struct span_slot {
    _Atomic uint64_t lifecycle;
    uint64_t next; /* index of the next free slot */
    struct span_data data;
};

struct span_page;
struct span_shard;

struct span_slab {
    struct span_shard *_Atomic *shards; /* by thread */
    uint64_t shards_length;
};

/* Where an identifier points to. */
struct span_place {
    struct span_shard *shard;
    struct span_page *page;
    struct span_slot *slot;
    unsigned thread;     /* of the shard */
    unsigned page_index; /* in the shard */
    uint64_t index;      /* of the slot in the page */
    uint64_t generation;
    uint64_t lifecycle; /* of a claimed slot: its word at the claim */
};

/* A slab without shards, with room for the pointers to all of them. -1 with ENOMEM. In both cases
 * the caller calls span_slab_deinit in the end. */
int span_slab_init(struct span_slab *slab);

/* Frees all shards, pages and extensions. No other thread may use the slab any more. */
void span_slab_deinit(struct span_slab *slab);

/* Takes a free slot in the first page of the calling thread's shard that has room; creates the
 * shard and the page if needed. The caller fills in the slot's data, and publishes it. Errors:
 * NO_MEMORY, NO_ROOM, INDEX, THREADS. */
enum span_status span_slab_claim(struct span_slab *slab, struct span_place *place);

/* Makes a claimed slot present, and returns its identifier. If the word has changed since the
 * claim, somebody wrote to a slot that was ours alone; the span does not exist then. */
uint64_t span_slab_publish(struct span_place *place);

/* Finds a span and counts the caller in as a user of its slot; to be followed by span_slab_release.
 * SPAN_OK, NOT_FOUND, INDEX or WEIRD_LIFECYCLE. */
enum span_status span_slab_acquire(struct span_slab *slab, uint64_t id, struct span_place *place);

/* Counts the caller out. True when the slot was marked meanwhile and the caller was its last user:
 * the caller must then retire and free it. */
bool span_slab_release(const struct span_place *place);

/* Marks the slot of that generation for removal. SPAN_OK: nobody uses it, the caller retires it
 * now. SPAN_CLOSED: its last user will. NOT_FOUND or WEIRD_LIFECYCLE. */
enum span_status span_slab_mark(const struct span_place *place);

/* Advances the generation, which makes every identifier of the slot stale, and waits until nobody
 * uses it. False if the slot is of another generation. */
bool span_slab_retire(const struct span_place *place);

/* Puts a retired slot, which the caller has emptied, on a free list of its page. */
void span_slab_free(const struct span_place *place);

/* The number of slots that are present, and of pages whose slots are allocated, in all shards. No
 * other thread may use the slab meanwhile. */
size_t span_slab_present_count(const struct span_slab *slab);
size_t span_slab_page_count(const struct span_slab *slab);

#endif
