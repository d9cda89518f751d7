/*
 * shared_pointer.c - Rust's Arc<T>: see shared_pointer.h for what it is faithful to.
 *
 * Memory order: a drop is a release, and the last one acquires by reading the count again; so all
 * uses of the payload happen before its end. An increment orders nothing, since the thread that
 * makes it already holds a pointer.
 */
#include "shared_pointer.h"

#include "zkalloc.h"

#include <errno.h>
#include <sched.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(sizeof(struct shared_pointer) == 16, "as ArcInner is on 64-bit, before its payload");
_Static_assert(offsetof(struct shared_pointer, strong) == 0 &&
                   offsetof(struct shared_pointer, weak) == 8,
               "ArcInner is repr(C): strong, weak, data");

static const size_t weak_locked = SIZE_MAX; /* set by Arc::is_unique while it reads both counts */

/* Traps if there are too many pointers to count: the real one's abort is a trap instruction too. */
static void check_count(size_t before)
{
    if (before > PTRDIFF_MAX)
        __builtin_trap();
}

size_t shared_pointer_block_bytes(size_t payload_bytes)
{
    const size_t align = alignof(struct shared_pointer);

    return (sizeof(struct shared_pointer) + payload_bytes + align - 1) / align * align;
}

struct shared_pointer *shared_pointer_new(const void *payload, size_t payload_bytes)
{
    struct shared_pointer *pointer;

    if (payload_bytes > PTRDIFF_MAX - sizeof *pointer - alignof(struct shared_pointer)) {
        errno = ENOMEM;
        return NULL;
    }
    pointer = zk_malloc(shared_pointer_block_bytes(payload_bytes));
    if (pointer == NULL)
        return NULL;
    atomic_init(&pointer->strong, 1);
    atomic_init(&pointer->weak, 1);
    if (payload != NULL)
        memcpy(pointer->payload, payload, payload_bytes);
    else
        memset(pointer->payload, 0, payload_bytes);
    return pointer;
}

struct shared_pointer *shared_pointer_clone(struct shared_pointer *pointer)
{
    /* Relaxed: the caller's own pointer keeps the payload alive; what hands the new one to another
     * thread orders that thread's uses after this. */
    check_count(atomic_fetch_add_explicit(&pointer->strong, 1, memory_order_relaxed));
    return pointer;
}

void shared_pointer_drop(struct shared_pointer *pointer)
{
    /* Release: our uses of the payload happen before its end; pairs with the acquire below, on the
     * last thread. */
    if (atomic_fetch_sub_explicit(&pointer->strong, 1, memory_order_release) != 1)
        return;
    /* Acquire: the other side of every release above. */
    (void)atomic_load_explicit(&pointer->strong, memory_order_acquire);
    /* The weak count that all strong pointers together hold. */
    shared_pointer_weak_drop((struct shared_pointer_weak){pointer});
}

size_t shared_pointer_strong_count(const struct shared_pointer *pointer)
{
    /* Relaxed: whatever the order, the value is out of date before the caller can look at it. */
    return atomic_load_explicit(&pointer->strong, memory_order_relaxed);
}

size_t shared_pointer_weak_count(const struct shared_pointer *pointer)
{
    /* Relaxed: as above. */
    size_t weak = atomic_load_explicit(&pointer->weak, memory_order_relaxed);

    return weak == weak_locked ? 0 : weak - 1;
}

struct shared_pointer_weak shared_pointer_downgrade(struct shared_pointer *pointer)
{
    /* Relaxed: only a guess for the exchange below. */
    size_t weak = atomic_load_explicit(&pointer->weak, memory_order_relaxed);

    for (;;) {
        if (weak == weak_locked) {
            sched_yield();
            weak = atomic_load_explicit(&pointer->weak, memory_order_relaxed); /* a guess again */
            continue;
        }
        check_count(weak);
        /* Acquire: pairs with the release that gives up the lock, or a weak pointer; relaxed on
         * failure: one more guess. */
        if (atomic_compare_exchange_weak_explicit(&pointer->weak, &weak, weak + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return (struct shared_pointer_weak){pointer};
    }
}

struct shared_pointer *shared_pointer_upgrade(struct shared_pointer_weak weak)
{
    /* Relaxed: only a guess for the exchange below. */
    size_t strong = atomic_load_explicit(&weak.block->strong, memory_order_relaxed);

    do {
        if (strong == 0)
            return NULL;
        check_count(strong);
        /* Acquire: pairs with the release of a drop, so that what its thread wrote to the payload
         * is seen; relaxed on failure: one more guess. */
    } while (!atomic_compare_exchange_weak_explicit(&weak.block->strong, &strong, strong + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return weak.block;
}

struct shared_pointer_weak shared_pointer_weak_clone(struct shared_pointer_weak weak)
{
    /* Relaxed: the caller's own weak pointer keeps the block alive. */
    check_count(atomic_fetch_add_explicit(&weak.block->weak, 1, memory_order_relaxed));
    return weak;
}

void shared_pointer_weak_drop(struct shared_pointer_weak weak)
{
    /* Release: our uses of the block happen before it is freed; pairs with the acquire below, on
     * the last thread.
     */
    if (atomic_fetch_sub_explicit(&weak.block->weak, 1, memory_order_release) != 1)
        return;
    /* Acquire: the other side of every release above. */
    (void)atomic_load_explicit(&weak.block->weak, memory_order_acquire);
    zk_free(weak.block);
}
