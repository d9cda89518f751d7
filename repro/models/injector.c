/*
 * injector.c - a FIFO of linked blocks.
 *
 * Faithful to what crossbeam-deque 0.8.1 (Injector) allocates: one zeroed block of 1520 bytes when
 * it is created, and one at every 63rd push. A lap is 64 indices, 63 of them slots.
 *
 * Invariants: an index advances by compare-and-swap, and the thread that advanced it over a slot
 * owns the slot's next step: a push writes it, a steal reads it. The thread that claims slot 62
 * then moves that end of the queue to the next block; until it has done so, all others wait at
 * offset 63.
 *
 * Nothing checks the block that a push writes to: tail.block is a raw pointer that outlives
 * whatever phase the block was allocated in.
 */
#include "injector.h"

#include "zkalloc.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define LAP      ((size_t)INJECTOR_BLOCK_JOBS + 1)
#define SHIFT    1 /* an index counts from this bit up */
#define STEP     ((size_t)1 << SHIFT)
#define HAS_NEXT ((size_t)1) /* in head.index: its block is not the last one */

/* Bits of a slot's state. */
#define WRITE   ((size_t)1) /* the job is there */
#define READ    ((size_t)2) /* the job has been copied out */
#define DESTROY ((size_t)4) /* the reader of this slot must go on freeing the block */

struct slot {
    struct job job;
    _Atomic size_t state;
};

struct injector_block {
    struct injector_block *_Atomic next;
    struct slot slots[INJECTOR_BLOCK_JOBS];
};

/* Measured on the crates: Injector<JobRef>, its allocations, and JobRef of rayon-core 1.10.1. */
static_assert(sizeof(struct job) == 16, "JobRef");
static_assert(sizeof(struct slot) == 24, "Slot");
static_assert(offsetof(struct slot, state) == 16 && offsetof(struct injector_block, slots) == 8,
              "a job and its state lie side by side, behind the pointer to the next block");
static_assert(WRITE == 1 && READ == 2 && DESTROY == 4, "deque.rs: WRITE, READ, DESTROY");
static_assert(sizeof(struct injector_block) == INJECTOR_BLOCK_BYTES, "Block");
static_assert(sizeof(struct injector) == 256, "Injector");

static size_t slot_of(size_t index)
{
    return (index >> SHIFT) % LAP;
}

static size_t lap_of(size_t index)
{
    return (index >> SHIFT) / LAP;
}

static struct injector_block *block_new(void)
{
    struct injector_block *block = zk_calloc(1, sizeof *block);

    if (block == NULL) {
        fputs("injector: no memory for a block: give the process more\n", stderr);
        abort();
    }
    return block;
}

void injector_init(struct injector *q)
{
    struct injector_block *block = block_new();

    atomic_init(&q->head.index, 0);
    atomic_init(&q->head.block, block);
    atomic_init(&q->tail.index, 0);
    atomic_init(&q->tail.block, block);
}

void injector_deinit(struct injector *q)
{
    size_t head = atomic_load(&q->head.index) >> SHIFT;
    size_t tail = atomic_load(&q->tail.index) >> SHIFT;
    struct injector_block *block = atomic_load(&q->head.block);

    for (; head != tail; head++) {
        struct injector_block *next;

        if (head % LAP != INJECTOR_BLOCK_JOBS)
            continue;
        next = atomic_load(&block->next);
        zk_free(block);
        block = next;
    }
    zk_free(block);
}

/* Moves an end of the queue over the boundary, to the next block. Both stores are releases: a push
 * or steal that acquires the new index, as it starts, must find the new block, and find it
 * zeroed. */
static void end_to_next_block(struct injector_end *end, struct injector_block *next, size_t index)
{
    atomic_store_explicit(&end->block, next, memory_order_release);
    atomic_store_explicit(&end->index, index, memory_order_release);
}

/* The index of an end when it is on a slot, and the block of that slot. */
static size_t end_on_slot(struct injector_end *end, struct injector_block **block)
{
    for (;;) {
        size_t index = atomic_load(&end->index);

        /* Acquire: pairs with the store in end_to_next_block. The block may be newer than the
         * index. It is not used then: the index has moved too, so the caller's compare-and-swap
         * fails. */
        *block = atomic_load_explicit(&end->block, memory_order_acquire);
        if (slot_of(index) != INJECTOR_BLOCK_JOBS)
            return index;
        sched_yield();
    }
}

void injector_push(struct injector *q, struct job job)
{
    struct injector_block *next = NULL;
    struct injector_block *block;
    struct slot *slot;
    size_t tail;

    do {
        tail = end_on_slot(&q->tail, &block);
        /* Allocated before the claim, so that others wait only briefly. */
        if (slot_of(tail) + 1 == INJECTOR_BLOCK_JOBS && next == NULL)
            next = block_new();
    } while (!atomic_compare_exchange_strong(&q->tail.index, &tail, tail + STEP));

    if (slot_of(tail) + 1 == INJECTOR_BLOCK_JOBS) {
        end_to_next_block(&q->tail, next, tail + 2 * STEP);
        /* Release: pairs with the load in wait_next, whose caller looks into the block. */
        atomic_store_explicit(&block->next, next, memory_order_release);
    } else {
        zk_free(next); /* another push was faster, so it was not needed */
    }

    slot = &block->slots[slot_of(tail)];
    slot->job = job;
    /* Release: pairs with the load in wait_write; the job is there before the bit is. */
    atomic_fetch_or_explicit(&slot->state, WRITE, memory_order_release);
}

static void wait_write(struct slot *slot)
{
    /* Acquire: pairs with the bit that injector_push sets. */
    while ((atomic_load_explicit(&slot->state, memory_order_acquire) & WRITE) == 0)
        sched_yield();
}

static struct injector_block *wait_next(struct injector_block *block)
{
    for (;;) {
        /* Acquire: pairs with the store in injector_push. */
        struct injector_block *next = atomic_load_explicit(&block->next, memory_order_acquire);

        if (next != NULL)
            return next;
        sched_yield();
    }
}

/* Frees block, all of whose jobs are claimed. If one of its first count slots is still being read,
 * it stops there, and that reader goes on. */
static void block_destroy(struct injector_block *block, size_t count)
{
    while (count-- > 0) {
        struct slot *slot = &block->slots[count];

        /* Acquire: pairs with the READ bit that the reader sets when it is done with the slot.
         * Acq_rel: either the same, or it passes on to that reader what was seen of the slots
         * above. */
        if ((atomic_load_explicit(&slot->state, memory_order_acquire) & READ) == 0 &&
            (atomic_fetch_or_explicit(&slot->state, DESTROY, memory_order_acq_rel) & READ) == 0)
            return;
    }
    zk_free(block);
}

/* Copies the job out of a slot that the caller has claimed, and frees the block if it is the last
 * to need it. */
static struct job take_job(struct injector_block *block, size_t index)
{
    struct slot *slot = &block->slots[index];
    struct job job;

    wait_write(slot);
    job = slot->job;
    /* Acq_rel: pairs with the two accesses in block_destroy, both ways. */
    if (index + 1 == INJECTOR_BLOCK_JOBS ||
        (atomic_fetch_or_explicit(&slot->state, READ, memory_order_acq_rel) & DESTROY) != 0)
        block_destroy(block, index);
    return job;
}

/* Moves the head past the last slot of block. head is its index there. */
static void head_to_next_block(struct injector *q, struct injector_block *block, size_t head)
{
    struct injector_block *next = wait_next(block);
    size_t index = (head & ~HAS_NEXT) + 2 * STEP;

    /* Relaxed: a hint. A thread that finds no successor here looks at the tail instead. */
    if (atomic_load_explicit(&next->next, memory_order_relaxed) != NULL)
        index |= HAS_NEXT;
    end_to_next_block(&q->head, next, index);
}

enum steal injector_steal(struct injector *q, struct job *job)
{
    struct injector_block *block;
    size_t head = end_on_slot(&q->head, &block);
    size_t seen = head;
    size_t next = head + STEP;

    if ((head & HAS_NEXT) == 0) {
        size_t tail = atomic_load(&q->tail.index); /* the crate: a fence, and then a relaxed load */

        if (head >> SHIFT == tail >> SHIFT)
            return STEAL_EMPTY;
        if (lap_of(head) != lap_of(tail))
            next |= HAS_NEXT;
    }
    if (!atomic_compare_exchange_strong(&q->head.index, &seen, next))
        return STEAL_RETRY;
    if (slot_of(head) + 1 == INJECTOR_BLOCK_JOBS)
        head_to_next_block(q, block, head);
    *job = take_job(block, slot_of(head));
    return STEAL_SUCCESS;
}

bool injector_is_empty(struct injector *q)
{
    size_t head = atomic_load(&q->head.index);
    size_t tail = atomic_load(&q->tail.index);

    return head >> SHIFT == tail >> SHIFT;
}
