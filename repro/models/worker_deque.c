/*
 * worker_deque.c - a Chase-Lev deque.
 *
 * Faithful to what crossbeam-deque 0.8.1 (Worker::new_lifo, Stealer) allocates: slots 1024, boxed
 * Buffer 16, ArcInner<Inner> 384 aligned to 128 when it is created; slots and a new box, in this
 * order, at each resize. One deferred call to the epoch's collector frees the old pair.
 *
 * Invariants: only the owner moves `back`, writes slots and changes the buffer; `front` only grows,
 * by compare-and-swap, and the thread that moves it over a job owns that job. Owner and thief can
 * meet on the last job only; the pop then stores `back` and loads `front`, a steal loads `front`
 * and then `back`. All four are sequentially consistent, so at least one of the two sees the other,
 * and the compare-and-swap decides between them. (The crate has weaker operations with fences
 * between, which ThreadSanitizer does not understand.)
 */
#include "worker_deque.h"

#include "epoch.h"
#include "zkalloc.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A job. Atomic words, because a thief reads the slot before it knows whether it gets the job, and
 * the owner may be writing the slot at that moment. */
struct deque_slot {
    void *_Atomic data;
    void (*_Atomic run)(void *data);
};

/* What all ends share. front and back count from 0 and never wrap; compared as signed numbers,
 * since a pop may set back below front for a moment. */
struct deque_inner {
    _Atomic size_t references; /* ends */
    size_t weak;               /* the weak count of the crate's Arc */
    alignas(128) _Atomic size_t front;
    _Atomic size_t back;
    alignas(128) struct deque_buffer *_Atomic buffer;
};

static_assert(sizeof(struct deque_slot) == sizeof(struct job), "JobRef, rayon-core 1.10.1");
static_assert(sizeof(struct deque_buffer) == 16, "Buffer, crossbeam-deque 0.8.1");
static_assert(sizeof(struct deque_inner) == DEQUE_INNER_BYTES, "ArcInner<CachePadded<Inner>>");
static_assert(sizeof(struct worker_deque) == 32, "Worker");
static_assert(sizeof(struct deque_stealer) == 16, "Stealer");

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("worker_deque: no memory: give the process more\n", stderr);
        abort();
    }
    return p;
}

static struct deque_buffer slots_new(size_t capacity)
{
    struct deque_buffer buffer = {
        .slots = checked(zk_malloc(capacity * sizeof(struct deque_slot))),
        .capacity = capacity,
    };

    return buffer;
}

static struct deque_buffer *boxed(struct deque_buffer buffer)
{
    struct deque_buffer *box = checked(zk_malloc(sizeof *box));

    *box = buffer;
    return box;
}

static void box_free(struct deque_buffer *box)
{
    zk_free(box->slots);
    zk_free(box);
}

static void run_box_free(uintptr_t *words)
{
    box_free((struct deque_buffer *)words[0]);
}

static struct deque_slot *slot_at(const struct deque_buffer *buffer, size_t index)
{
    return &buffer->slots[index & (buffer->capacity - 1)];
}

/* Relaxed, both: deque_push's store to back, which deque_steal loads, puts the write before the
 * read; a steal discards a read that was too early or too late, since front has moved then. */
static void slot_write(struct deque_slot *slot, struct job job)
{
    atomic_store_explicit(&slot->data, job.data, memory_order_relaxed);
    atomic_store_explicit(&slot->run, job.run, memory_order_relaxed);
}

static struct job slot_read(struct deque_slot *slot)
{
    return (struct job){
        .data = atomic_load_explicit(&slot->data, memory_order_relaxed),
        .run = atomic_load_explicit(&slot->run, memory_order_relaxed),
    };
}

/* The number of jobs between the two: their wrapping difference. */
static ptrdiff_t length(size_t front, size_t back)
{
    return (ptrdiff_t)(back - front);
}

static __attribute__((noinline)) void resize(struct worker_deque *d, size_t capacity)
{
    struct deque_inner *inner = d->inner;
    size_t back = atomic_load(&inner->back);
    struct deque_buffer buffer = slots_new(capacity);
    struct deque_buffer *old;

    for (size_t i = atomic_load(&inner->front); i != back; i++)
        slot_write(slot_at(&buffer, i), slot_read(slot_at(&d->buffer, i)));

    epoch_pin();
    d->buffer = buffer;
    old = atomic_exchange(&inner->buffer, boxed(buffer));
    epoch_defer(run_box_free, (uintptr_t)old, 0, 0);
    /* By the new size, as in the crate, not by the retired one's. With jobs of 16 bytes it is never
     * below the limit. */
    if (capacity * sizeof(struct deque_slot) >= DEQUE_FLUSH_BYTES)
        epoch_flush();
    epoch_unpin();
}

void deque_init(struct worker_deque *d)
{
    struct deque_buffer buffer = slots_new(DEQUE_MIN_JOBS);
    struct deque_buffer *box = boxed(buffer);
    struct deque_inner *inner =
        checked(zk_aligned_alloc(alignof(struct deque_inner), sizeof *inner));

    atomic_init(&inner->references, 1);
    inner->weak = 1;
    atomic_init(&inner->front, 0);
    atomic_init(&inner->back, 0);
    atomic_init(&inner->buffer, box);
    *d = (struct worker_deque){.inner = inner, .buffer = buffer};
}

static void inner_release(struct deque_inner *inner)
{
    /* Acq_rel: pairs with itself on another thread; all uses of the deque happen before its end. */
    if (atomic_fetch_sub_explicit(&inner->references, 1, memory_order_acq_rel) != 1)
        return;
    box_free(atomic_load(&inner->buffer));
    zk_free(inner);
}

void deque_deinit(struct worker_deque *d)
{
    inner_release(d->inner);
}

void deque_push(struct worker_deque *d, struct job job)
{
    struct deque_inner *inner = d->inner;
    size_t back = atomic_load_explicit(&inner->back, memory_order_relaxed); /* our own store */
    /* Acquire: pairs with the compare-and-swap of the thief that emptied the slot to be written. */
    size_t front = atomic_load_explicit(&inner->front, memory_order_acquire);

    if (length(front, back) >= (ptrdiff_t)d->buffer.capacity)
        resize(d, 2 * d->buffer.capacity);
    slot_write(slot_at(&d->buffer, back), job);
    /* Release: pairs with the load in deque_steal, whose caller reads the slot and the job. */
    atomic_store_explicit(&inner->back, back + 1, memory_order_release);
}

/* Pops the last job: the thread that moves front gets it. */
static bool pop_last(struct deque_inner *inner, size_t front)
{
    bool won = atomic_compare_exchange_strong(&inner->front, &(size_t){front}, front + 1);

    atomic_store(&inner->back, front + 1);
    return won;
}

bool deque_pop(struct worker_deque *d, struct job *job)
{
    struct deque_inner *inner = d->inner;
    size_t back = atomic_load_explicit(&inner->back, memory_order_relaxed); /* our own store */
    /* Relaxed: only a hint; the load after the store below decides. */
    size_t front = atomic_load_explicit(&inner->front, memory_order_relaxed);
    ptrdiff_t left;
    struct job last;

    if (length(front, back) <= 0)
        return false;
    back--;
    atomic_store(&inner->back, back);
    front = atomic_load(&inner->front);
    left = length(front, back);
    if (left < 0) {
        atomic_store(&inner->back, back + 1);
        return false;
    }
    last = slot_read(slot_at(&d->buffer, back));
    if (left == 0) {
        if (!pop_last(inner, front))
            return false;
    } else if (d->buffer.capacity > DEQUE_MIN_JOBS && left < (ptrdiff_t)d->buffer.capacity / 4) {
        resize(d, d->buffer.capacity / 2);
    }
    *job = last;
    return true;
}

struct deque_stealer deque_stealer(const struct worker_deque *d)
{
    /* Relaxed: the caller's end keeps the deque alive. */
    atomic_fetch_add_explicit(&d->inner->references, 1, memory_order_relaxed);
    return (struct deque_stealer){.inner = d->inner};
}

void deque_stealer_drop(struct deque_stealer *stealer)
{
    inner_release(stealer->inner);
}

static enum steal steal_pinned(struct deque_inner *inner, struct job *job)
{
    size_t front = atomic_load(&inner->front);
    size_t back = atomic_load(&inner->back);
    struct deque_buffer *buffer;
    struct job first;

    if (length(front, back) <= 0)
        return STEAL_EMPTY;
    buffer = atomic_load(&inner->buffer);
    first = slot_read(slot_at(buffer, front));
    if (atomic_load(&inner->buffer) != buffer ||
        !atomic_compare_exchange_strong(&inner->front, &front, front + 1))
        return STEAL_RETRY;
    *job = first;
    return STEAL_SUCCESS;
}

enum steal deque_steal(const struct deque_stealer *stealer, struct job *job)
{
    enum steal result;

    epoch_pin();
    result = steal_pinned(stealer->inner, job);
    epoch_unpin();
    return result;
}

bool deque_stealer_is_empty(const struct deque_stealer *stealer)
{
    size_t front = atomic_load(&stealer->inner->front);

    return length(front, atomic_load(&stealer->inner->back)) <= 0;
}
